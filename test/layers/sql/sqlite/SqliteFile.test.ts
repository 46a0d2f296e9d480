import * as Fs from "node:fs"
import * as Path from "node:path"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { describe } from "vitest"
import type { TemporarilyUnavailable } from "../../../../src/domain/OAuthError.js"
import type { StorageOpenError } from "../../../../src/layers/sql/StorageOpenError.js"
import { ours, refusal, using, withSqlite } from "../../sqliteFiles.js"
import { temporaryFile } from "../../temporaryFile.js"

describe("a file that is not ours, or not sound, is refused and left as it is", () => {
  const cases: ReadonlyArray<
    readonly [
      string,
      string,
      (path: string) => Effect.Effect<unknown, StorageOpenError | TemporarilyUnavailable, Scope.Scope>
    ]
  > = [
    ["an empty file", "NotOurs", (path) => Effect.sync(() => Fs.writeFileSync(path, ""))],
    ["a text", "NotOurs", (path) => Effect.sync(() => Fs.writeFileSync(path, "SQLite format 2\0".padEnd(5000, "x")))],
    ["a short file", "NotOurs", (path) => Effect.sync(() => Fs.writeFileSync(path, "SQLite format 3\0"))],
    [
      "a database without a mark",
      "NotOurs",
      (path) => Effect.sync(() => withSqlite(path, (db) => db.exec("create table t (x)")))
    ],
    [
      "another program's database",
      "NotOurs",
      (path) =>
        Effect.zipRight(
          ours(path),
          Effect.sync(() => withSqlite(path, (db) => db.pragma("application_id = 1")))
        )
    ],
    [
      "a database with our mark and other tables",
      "NotOurs",
      (path) =>
        Effect.sync(() =>
          withSqlite(path, (db) => db.exec(`pragma application_id = ${0x4c746368}; create table t (x)`))
        )
    ],
    [
      "a database of ours that lacks a table",
      "NotOurs",
      (path) =>
        Effect.zipRight(
          ours(path),
          Effect.sync(() => withSqlite(path, (db) => db.exec("drop table grants")))
        )
    ],
    [
      "a newer database",
      "Newer",
      (path) =>
        Effect.zipRight(
          ours(path),
          Effect.sync(() =>
            withSqlite(path, (db) => db.exec("pragma user_version = 99; pragma wal_checkpoint(truncate)"))
          )
        )
    ],
    [
      "a newer database, as the log alone says",
      "Newer",
      (path) =>
        Effect.zipRight(
          ours(path),
          Effect.acquireRelease(
            Effect.sync(() => new Sqlite(path)),
            (db) => Effect.sync(() => db.close())
          ).pipe(Effect.tap((db) => Effect.sync(() => db.pragma("user_version = 99"))))
        )
    ],
    [
      "a damaged database",
      "Corrupt",
      (path) =>
        Effect.zipRight(
          ours(path),
          Effect.sync(() => {
            const file = Fs.openSync(path, "r+")
            Fs.writeSync(file, Buffer.alloc(2 * 4096, 0x5a), 0, 2 * 4096, 4096)
            Fs.closeSync(file)
          })
        )
    ]
  ]

  it.scopedLive.each(cases)("%s", ([, reason, make]) =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* make(filename)
      Fs.rmSync(`${filename}.key`, { force: true })
      const before = Fs.readFileSync(filename)
      const error = yield* refusal({ filename })
      expect(error).toMatchObject({ _tag: "StorageOpenError", reason })
      expect(error.message).toContain(filename)
      expect(error.message).not.toContain("\n")
      expect(Fs.readFileSync(filename).equals(before)).toBe(true)
      expect(Fs.existsSync(`${filename}.key`)).toBe(false)
    })
  )

  it.scopedLive("a directory", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      Fs.mkdirSync(filename)
      expect(yield* refusal({ filename })).toMatchObject({ reason: "NotAFile" })
      expect(Fs.readdirSync(filename)).toEqual([])
    })
  )

  it.scopedLive("a symbolic link, even to a file of ours, and one to nowhere", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* ours(filename)
      Fs.symlinkSync(filename, `${filename}.link`)
      expect(yield* refusal({ filename: `${filename}.link` })).toMatchObject({ reason: "NotAFile" })
      Fs.symlinkSync(`${filename}.nowhere`, `${filename}.dangling`)
      expect(yield* refusal({ filename: `${filename}.dangling` })).toMatchObject({ reason: "NotAFile" })
      expect(Fs.existsSync(`${filename}.nowhere`)).toBe(false)
    })
  )

  it.scopedLive.each(["-wal", "-journal"])(
    "the log of a database that is gone (%s), which would be put into a new one",
    (suffix) =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        Fs.writeFileSync(filename + suffix, "old")
        expect(yield* refusal({ filename })).toMatchObject({ reason: "Corrupt" })
        expect(Fs.readdirSync(Path.dirname(filename))).toEqual([`auth.db${suffix}`])
      })
  )

  it.scopedLive.each(["", ":memory:", "file:auth.db"])("the name %j, which is no file's", (filename) =>
    Effect.map(refusal({ filename }), (error) => expect(error).toMatchObject({ reason: "NotAFile" }))
  )

  it.scopedLive("a path below a file", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      Fs.writeFileSync(filename, "")
      expect(yield* refusal({ filename: Path.join(filename, "auth.db") })).toMatchObject({ reason: "NotWritable" })
    })
  )

  it.scopedLive("a file whose lock another process keeps", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* ours(filename)
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const db = new Sqlite(filename)
          db.exec("pragma locking_mode = exclusive; begin exclusive")
          return db
        }),
        (db) => Effect.sync(() => db.close())
      )
      expect(yield* refusal({ filename })).toMatchObject({ reason: "Locked" })
    })
  )

  it.scopedLive("but tables that a replicator put beside ours are no fault", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* ours(filename)
      withSqlite(filename, (db) => db.exec("create table _litestream_seq (id integer primary key, seq integer)"))
      yield* using({ filename }, ({ clients }) => clients.list({ limit: 1_000 }))
    })
  )
})
