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

/** The tests that start processes, browsers or databases: these folders, and every file of this name. */
const system = ["test/{bench,cli,e2e,fault,fuzz}/**/*.test.ts", "test/**/*.system.test.ts"]

/** A project of `npm test`. */
const fast = (name: string, include: Array<string>) => ({
  extends: true as const,
  test: {
    name,
    include,
    exclude: system,
    setupFiles: "test/support/setup.ts"
  }
})

export default defineConfig({
  resolve: {
    // The examples import the package by its name, as a user does, and run on the sources, so that no build is needed.
    alias: sources
  },
  test: {
    // The report has only the output of tests that failed.
    silent: "passed-only",
    pool: "forks",
    // One process imports the sources once, for one file after another. Vitest reads this here only, for all projects;
    // `npm run vitest:system` overrides it.
    poolOptions: { forks: { maxForks: 2, minForks: 1, isolate: false } },
    // Some tests start a dozen processes, and a busy machine is no reason to fail.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    projects: [
      fast("pure", ["test/{docs,domain,http,layers,scripts,services,speed,support,types}/**/*.test.ts"]),
      fast("flow", ["test/{conformance,flow,security}/**/*.test.ts", "examples/**/*.test.ts"]),
      fast("contract", ["test/{contract,testing}/**/*.test.ts"]),
      {
        extends: true,
        test: { name: "system", include: system, globalSetup: "test/support/postgresSetup.ts" }
      }
    ]
  }
})
