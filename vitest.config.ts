import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const src = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    // The examples import the package by its name, as a user does, and run on the sources, so that no build is needed.
    alias: [
      { find: /^latchkey$/, replacement: src("index.ts") },
      { find: /^latchkey\/guard$/, replacement: src("layers/Guard.ts") },
      { find: /^latchkey\/layers\/(.+)$/, replacement: src("layers/$1.ts") },
      { find: /^latchkey\/(domain|services|http|testing)$/, replacement: src("$1/index.ts") }
    ]
  },
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    globalSetup: "test/support/postgresSetup.ts",
    pool: "forks",
    poolOptions: { forks: { maxForks: 2, minForks: 1 } },
    // Some tests start a dozen processes, and a busy machine is no reason to fail.
    testTimeout: 120_000,
    hookTimeout: 60_000
  }
})
