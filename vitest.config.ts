import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import manifest from "./package.json" with { type: "json" }

/** The source of each module that the package exports, by the name that an app imports it by. */
const sources = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === "string"
    ? []
    : {
        find: new RegExp(`^latchkey${subpath.slice(1)}$`),
        replacement: fileURLToPath(
          new URL(target.default.replace("/dist/", "/src/").replace(/js$/, "ts"), import.meta.url)
        )
      }
)

export default defineConfig({
  resolve: {
    // The examples import the package by its name, as a user does, and run on the sources, so that no build is needed.
    alias: sources
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
