/** kill -9 in the middle of a migration, at one write to the file after another. */
import { spawnSync } from "node:child_process"
import { copyFile, rm } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { latest, migrations } from "../../src/layers/sql/migrations.js"
import { applicationId } from "../../src/layers/sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "../../src/layers/sql/sqlite/SqliteMigrator.js"
import * as Cli from "../support/Cli.js"
import * as Strace from "./support/Strace.js"

let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
const old = () => join(folder.path, "old.db")

/** The version of a file, what was in it from the beginning, and whether it is sound. */
const read = (path: string) => {
  const db = new Sqlite(path)
  try {
    return {
      version: Number(db.pragma("user_version", { simple: true })),
      clients: db.prepare("select issuer, id, metadata from clients order by id").all(),
      grants: db.prepare("select id, state, subject, client_id, code_digest from grants order by id").all(),
      integrity: db.pragma("integrity_check", { simple: true })
    }
  } finally {
    db.close()
  }
}

/** A file as the first version left it. */
beforeAll(async () => {
  folder = await Cli.temporaryFolder()
  const db = new Sqlite(old())
  db.pragma(`application_id = ${applicationId}`)
  for (const statement of migrations[0]?.statements("sqlite") ?? []) db.exec(statement)
  db.pragma("user_version = 1")
  const client = db.prepare("insert into clients values ('http://127.0.0.1:1', ?, 1, 'Operator', '{}', null, null, 1)")
  const grant = db.prepare(`
    insert into grants (issuer, id, state, subject, client_id, redirect_uri, scope, resources, session_id, authenticated_at,
      approved_at, expires_at, subject_epoch, client_epoch, consent_epoch, code_digest, code_challenge, code_expires_at)
    values ('http://127.0.0.1:1', ?, 'Approved', 'ada', ?, 'https://a.example/', 'a', '[]', 's', 1, 1, 2, 1, 1, 1, ?, 'c', 2)`)
  db.transaction(() => {
    for (let i = 0; i < 200; i++) {
      client.run(`client ${i}`)
      grant.run(`grant ${i}`, `client ${i}`, `digest ${i}`)
    }
  })()
  db.close()
})
afterAll(() => folder?.remove())

describe.runIf(Strace.missing === undefined)(Strace.named("a migration that is killed"), () => {
  it("at whichever write has happened or not, and the next one goes on from there", async () => {
    const before = read(old())
    expect(before).toMatchObject({ version: 1, integrity: "ok" })
    const seen = new Set<number>()
    const killedAt: Array<number> = []
    let nth = 1
    for (;;) {
      const path = join(folder.path, `killed-${nth}.db`)
      await copyFile(old(), path)
      const migrate = [process.execPath, Cli.bin, "db", "migrate", "--database", `sqlite:${path}`]
      const inject = ["-o", "/dev/null", "-e", "trace=pwrite64", "-e", `inject=pwrite64:signal=KILL:when=${nth}`]
      const { signal, status } = spawnSync("strace", [...inject, ...migrate], { cwd: folder.path })
      const after = read(path)
      expect(after).toEqual({ ...before, version: after.version })
      seen.add(after.version)
      if (signal === null && status === 0) break
      killedAt.push(nth)
      expect(await Effect.runPromise(SqliteMigrator.run(path))).toEqual({ from: after.version, to: latest })
      expect(read(path)).toEqual({ ...before, version: latest })
      await rm(path)
      nth *= 3
    }
    expect(killedAt.length).toBeGreaterThan(3)
    expect(seen).toContain(1)
    expect(seen).toContain(latest)
  })
})
