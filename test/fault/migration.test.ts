/** Kills a migration (kill -9) at one write to the file after another. */
import { spawnSync } from "node:child_process"
import { copyFile, rm } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { latest } from "../../src/layers/sql/migrations.js"
import * as SqliteFile from "../../src/layers/sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "../../src/layers/sql/sqlite/SqliteMigrator.js"
import * as Cli from "../support/Cli.js"
import * as Strace from "./support/Strace.js"

let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
const empty = () => join(folder.path, "empty.db")

/** The version of a file, the number of its tables, and whether it is sound. */
const read = (path: string) => {
  const db = new Sqlite(path)
  try {
    return {
      version: SqliteFile.versionOf(db),
      tables: Number(db.prepare("select count(*) from sqlite_schema where type = 'table'").pluck().get()),
      integrity: db.pragma("integrity_check", { simple: true })
    }
  } finally {
    db.close()
  }
}

beforeAll(async () => {
  folder = await Cli.temporaryFolder()
  await Effect.runPromise(SqliteFile.prepare(empty()))
})
afterAll(() => folder?.remove())

describe.runIf(Strace.missing === undefined)(Strace.named("a migration that is killed"), () => {
  it("a migration that is killed at any write is complete or absent, and the next run completes it", async () => {
    const before = read(empty())
    expect(before).toEqual({ version: 0, tables: 0, integrity: "ok" })
    const complete = join(folder.path, "complete.db")
    await copyFile(empty(), complete)
    await Effect.runPromise(SqliteMigrator.run(complete))
    const after = read(complete)
    expect(after).toMatchObject({ version: latest, integrity: "ok" })
    const seen = new Set<number>()
    const killedAt: Array<number> = []
    let nth = 1
    for (;;) {
      const path = join(folder.path, `killed-${nth}.db`)
      await copyFile(empty(), path)
      const migrate = [process.execPath, Cli.bin, "db", "migrate", "--database", `sqlite:${path}`]
      const inject = ["-o", "/dev/null", "-e", "trace=pwrite64", "-e", `inject=pwrite64:signal=KILL:when=${nth}`]
      const { signal, status } = spawnSync("strace", [...inject, ...migrate], { cwd: folder.path })
      const found = read(path)
      expect([before, after]).toContainEqual(found)
      seen.add(found.version)
      if (signal === null && status === 0) break
      killedAt.push(nth)
      expect(await Effect.runPromise(SqliteMigrator.run(path))).toEqual({ from: found.version, to: latest })
      expect(read(path)).toEqual(after)
      await rm(path)
      nth *= 3
    }
    expect(killedAt.length).toBeGreaterThan(3)
    expect(seen).toEqual(new Set([0, latest]))
  })
})
