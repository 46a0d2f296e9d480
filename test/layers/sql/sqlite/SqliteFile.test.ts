import * as Fs from "node:fs"
import * as Path from "node:path"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { describe } from "vitest"
import type { TemporarilyUnavailable } from "../../../../src/domain/OAuthError.js"
import type { StorageOpenError } from "../../../../src/layers/files/StorageOpenError.js"
import { ours, refusal, using, withSqlite } from "../../sqliteFiles.js"
import { temporaryFile } from "../../temporaryFile.js"

describe("a file that is refused and not changed", () => {
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
      "a database without the application id is refused",
      "NotOurs",
      (path) => Effect.sync(() => withSqlite(path, (db) => db.exec("create table t (x)")))
    ],
    [
      "a database of another program is refused",
      "NotOurs",
      (path) =>
        Effect.zipRight(
          ours(path),
          Effect.sync(() => withSqlite(path, (db) => db.pragma("application_id = 1")))
        )
    ],
    [
      "a database with the application id and other tables is refused",
      "NotOurs",
      (path) =>
        Effect.sync(() =>
          withSqlite(path, (db) => db.exec(`pragma application_id = ${0x4c746368}; create table t (x)`))
        )
    ],
    [
      "a Latchkey database that lacks a table is refused",
      "NotOurs",
      (path) =>
        Effect.zipRight(
          ours(path),
          Effect.sync(() => withSqlite(path, (db) => db.exec("drop table grants")))
        )
    ],
    [
      "a newer database is refused",
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
      "a newer database whose version is only in the log is refused",
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
      "a damaged database is refused",
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

  it.scopedLive("a directory is refused", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      Fs.mkdirSync(filename)
      expect(yield* refusal({ filename })).toMatchObject({ reason: "NotAFile" })
      expect(Fs.readdirSync(filename)).toEqual([])
    })
  )

  it.scopedLive("a symbolic link is refused, with a valid target and without one", () =>
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
    "a log (%s) without its database is refused, because SQLite would apply it to the new one",
    (suffix) =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        Fs.writeFileSync(filename + suffix, "old")
        expect(yield* refusal({ filename })).toMatchObject({ reason: "Corrupt" })
        expect(Fs.readdirSync(Path.dirname(filename))).toEqual([`auth.db${suffix}`])
      })
  )

  it.scopedLive.each(["", ":memory:", "file:auth.db"])(
    "the name %j is refused, because it is no file name",
    (filename) => Effect.map(refusal({ filename }), (error) => expect(error).toMatchObject({ reason: "NotAFile" }))
  )

  it.scopedLive("a path below a file is refused", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      Fs.writeFileSync(filename, "")
      expect(yield* refusal({ filename: Path.join(filename, "auth.db") })).toMatchObject({ reason: "NotWritable" })
    })
  )

  it.scopedLive("a file that another process keeps locked is refused", () =>
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

  it.scopedLive("a database with additional tables of a replicator is accepted", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* ours(filename)
      withSqlite(filename, (db) => db.exec("create table _litestream_seq (id integer primary key, seq integer)"))
      yield* using({ filename }, ({ clients }) => clients.list({ limit: 1_000 }))
    })
  )
})
