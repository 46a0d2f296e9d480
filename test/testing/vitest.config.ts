import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

/** Only the stores that must fail, with what every run of the tests starts. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL(".", import.meta.url)),
    include: ["brokenStores.fixture.ts"],
    pool: "forks",
    globalSetup: "../support/postgresSetup.ts"
  }
})
