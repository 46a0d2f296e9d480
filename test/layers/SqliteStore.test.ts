import * as Fs from "node:fs"
import * as Path from "node:path"
import { inspect } from "node:util"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Inspectable from "effect/Inspectable"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { describe } from "vitest"
import { Issuer } from "../../src/domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../src/domain/OAuthError.js"
import * as SqliteStore from "../../src/layers/SqliteStore.js"
import type { StorageOpenError } from "../../src/layers/sql/StorageOpenError.js"
import { AccountStore } from "../../src/services/AccountStore.js"
import { ClientStore } from "../../src/services/ClientStore.js"
import { GrantStore } from "../../src/services/GrantStore.js"
import { KeyId, KeyState, KeyStore } from "../../src/services/KeyStore.js"
import { Storage } from "../../src/services/Storage.js"
import { account, alice, app, at, client, grant } from "../contract/fixtures.js"
import { temporaryFile } from "./temporaryFile.js"

const issuer = Issuer.make("https://auth.example.com")

/** Opens a store for as long as the scope lasts. */
const open = (options: SqliteStore.Options) =>
  Effect.map(Layer.build(SqliteStore.layer(options)), (context) => {
    const { masterKey, stores } = Context.get(context, Storage)
    const of = stores(issuer)
    return {
      key: Buffer.from(Redacted.value(masterKey)).toString("hex"),
      accounts: Context.get(of, AccountStore),
      clients: Context.get(of, ClientStore),
      grants: Context.get(of, GrantStore),
      keys: Context.get(of, KeyStore)
    }
  })

/** Opens a store, uses it, and closes it. */
const using = <A, E>(
  options: SqliteStore.Options,
  use: (stores: Effect.Effect.Success<ReturnType<typeof open>>) => Effect.Effect<A, E>
) => Effect.scoped(Effect.flatMap(open(options), use))

const refusal = (options: SqliteStore.Options) => Effect.flip(Effect.scoped(open(options)))

const modeOf = (path: string) => (Fs.statSync(path).mode & 0o777).toString(8)

const rootKey = { id: KeyId.make("AAAAAAAA"), sealed: "sealed", createdAt: at(0), state: KeyState.Current() }

/** Works on a file with SQLite itself. */
const withSqlite = <A>(path: string, use: (db: Sqlite.Database) => A): A => {
  const db = new Sqlite(path)
  try {
    return use(db)
  } finally {
    db.close()
  }
}

describe("a new file", () => {
  it.scopedLive("is for its owner only, with its folders, its log and its key, whatever the umask", () =>
    Effect.gen(function* () {
      const umask = process.umask(0)
      yield* Effect.addFinalizer(() => Effect.sync(() => process.umask(umask)))
      const filename = Path.join(Path.dirname(yield* temporaryFile), "a", "b", "auth.db")
      const { clients } = yield* open({ filename })
      yield* clients.insert(client(app))
      for (const suffix of ["", "-wal", "-shm", ".key"]) expect(modeOf(filename + suffix)).toBe("600")
      for (const folder of [Path.dirname(filename), Path.dirname(Path.dirname(filename))])
        expect(modeOf(folder)).toBe("700")
    })
  )

  it.scopedLive("is found again as it was left, with its key, and nothing beside it", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const key = yield* using({ filename }, ({ clients, key }) => Effect.as(clients.insert(client(app)), key))
      expect(Fs.readdirSync(Path.dirname(filename)).sort()).toEqual(["auth.db", "auth.db.key"])
      yield* using({ filename }, (again) =>
        Effect.gen(function* () {
          expect(again.key).toBe(key)
          expect(yield* again.clients.find(app)).toEqual(Option.some(client(app)))
        })
      )
    })
  )

  it.scopedLive("is made once when several processes start at once, and all of them use it", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const stores = yield* Effect.all(
        Array.from({ length: 8 }, () => open({ filename })),
        { concurrency: "unbounded" }
      )
      expect(new Set(stores.map(({ key }) => key)).size).toBe(1)
      const made = yield* Effect.forEach(stores, ({ accounts }) => accounts.insertFirst(account(alice)), {
        concurrency: "unbounded"
      })
      expect(made.filter((answer) => answer === "Created")).toHaveLength(1)
      const folder = Fs.readdirSync(Path.dirname(filename)).sort()
      expect(folder).toEqual(["auth.db", "auth.db-shm", "auth.db-wal", "auth.db.key"])
    })
  )

  it.scopedLive("is completed when the process that made it was killed before its tables were", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      withSqlite(filename, (db) => db.pragma(`application_id = ${0x4c746368}`))
      yield* using({ filename }, ({ clients }) => clients.insert(client(app)))
    })
  )
})

describe("after a crash", () => {
  it.scopedLive("what was answered is there, though it be only in the log", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const copy = `${filename}.copy`
      const { clients } = yield* open({ filename })
      yield* clients.insert(client(app))
      // What a killed process leaves: nothing was put away.
      for (const suffix of ["", "-wal", ".key"]) Fs.copyFileSync(filename + suffix, copy + suffix)
      yield* using({ filename: copy }, (stores) =>
        Effect.map(stores.clients.find(app), (found) => expect(found).toEqual(Option.some(client(app))))
      )
    })
  )
})

/** A file of ours, closed. */
const ours = (filename: string) => using({ filename }, ({ clients }) => clients.insert(client(app)))

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
      yield* using({ filename }, ({ clients }) => clients.list)
    })
  )
})

describe("the master key", () => {
  it.scopedLive("is 32 random bytes in base64url in a file of its own", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const key = yield* using({ filename }, ({ key }) => Effect.succeed(key))
      const text = Fs.readFileSync(`${filename}.key`, "utf8")
      expect(text).toMatch(/^[A-Za-z0-9_-]{43}\n$/)
      expect(Buffer.from(text, "base64url").toString("hex")).toBe(key)
      const other = yield* using({ filename: `${filename}.other` }, ({ key }) => Effect.succeed(key))
      expect(other).not.toBe(key)
    })
  )

  it.scopedLive("is the one that is given, and then there is no file", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const masterKey = Redacted.make(new Uint8Array(32).fill(7))
      const key = yield* using({ filename, masterKey }, ({ key }) => Effect.succeed(key))
      expect(key).toBe("07".repeat(32))
      expect(Fs.existsSync(`${filename}.key`)).toBe(false)
    })
  )

  it.scopedLive("is refused when it has another length, and nothing is made", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const masterKey = Redacted.make(new Uint8Array(31))
      expect(yield* refusal({ filename, masterKey })).toMatchObject({ reason: "MasterKeyMalformed" })
      expect(Fs.existsSync(filename)).toBe(false)
    })
  )

  it.scopedLive.each([0o640, 0o604, 0o620, 0o777])("is refused when others may use its file (mode %i)", (mode) =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* ours(filename)
      Fs.chmodSync(`${filename}.key`, mode)
      expect(yield* refusal({ filename })).toMatchObject({ reason: "MasterKeyExposed" })
    })
  )

  it.scopedLive.each(["", "short", `${"A".repeat(43)}=`, "A".repeat(42), "A".repeat(44), `${"A".repeat(42)}B`])(
    "is refused when its file holds %j",
    (text) =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        yield* ours(filename)
        Fs.writeFileSync(`${filename}.key`, text)
        const error = yield* refusal({ filename })
        expect(error).toMatchObject({ reason: "MasterKeyMalformed" })
        expect(Fs.readFileSync(`${filename}.key`, "utf8")).toBe(text)
      })
  )

  it.scopedLive("is not made anew when the database holds keys that it must open", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* using({ filename }, ({ keys }) => keys.insertFirst(rootKey))
      Fs.rmSync(`${filename}.key`)
      expect(yield* refusal({ filename })).toMatchObject({ reason: "MasterKeyMissing" })
      expect(Fs.existsSync(`${filename}.key`)).toBe(false)
      // Whoever has it elsewhere may give it.
      yield* using({ filename, masterKey: Redacted.make(new Uint8Array(32)) }, ({ keys }) => keys.list)
    })
  )

  it.scopedLive("is made anew when the database holds nothing that it opens", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* ours(filename)
      Fs.rmSync(`${filename}.key`)
      yield* ours(`${filename}`).pipe(Effect.ignore)
      expect(modeOf(`${filename}.key`)).toBe("600")
    })
  )
})

describe("a database that fails", () => {
  it.scopedLive("is busy to writers while another process keeps the lock, and answers readers", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const { clients } = yield* open({ filename })
      const other = new Sqlite(filename)
      other.exec("begin exclusive")
      const error = yield* Effect.flip(clients.insert(client(app)))
      expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreBusy" })
      expect(yield* clients.list).toEqual([])
      other.close()
      yield* clients.insert(client(app))
    })
  )

  it.scopedLive.each([
    ["update clients set metadata = '{}', secret_digest = 'hunter2'", "metadata, secret_digest"],
    ["update clients set origin = 'hunter2'", "origin"]
  ] as const)("is unavailable where a row cannot be read, and does not tell what is in it: %s", ([damage, columns]) =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const { clients } = yield* open({ filename })
      yield* clients.insert(client(app))
      withSqlite(filename, (db) => db.exec(damage))
      const error = yield* Effect.flip(clients.find(app))
      expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
      expect(error.cause).toMatchObject({ message: `a row of clients cannot be read: ${columns}` })
      expect(JSON.stringify(error) + Inspectable.toStringUnknown(error) + inspect(error, { depth: 9 })).not.toContain(
        "hunter2"
      )
    })
  )

  it.scopedLive.each([
    ["state = 'Odd'", "state"],
    ["state = 'Active'", "redeemed_at"],
    ["state = 'Active', redeemed_at = 1, generation = 1", "token_digest"],
    ["state = 'Revoked', revoked_at = 1, revocation_reason = 'hunter2'", "revocation_reason"],
    ["resources = 'hunter2'", "resources"]
  ] as const)("is unavailable where a grant cannot be: %s", ([damage, column]) =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const { grants } = yield* open({ filename })
      yield* grants.approve(grant())
      withSqlite(filename, (db) => db.exec(`update grants set ${damage}`))
      const error = yield* Effect.flip(grants.find(grant().terms.id))
      expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
      expect(error.cause).toMatchObject({ message: `a row of grants cannot be read: ${column}` })
    })
  )
})

describe("closing", () => {
  it.scopedLive("finishes the writes that wait, and refuses those that come later", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const scope = yield* Scope.make()
      const { accounts, clients } = yield* Scope.extend(open({ filename }), scope)
      const waiting = yield* Effect.fork(clients.insert(client(app)))
      yield* Effect.yieldNow()
      yield* Scope.close(scope, Exit.void)
      expect(yield* waiting.await).toEqual(Exit.void)
      const error = yield* Effect.flip(accounts.insert(account(alice)))
      expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
      yield* using({ filename }, (again) =>
        Effect.map(again.clients.list, (list) => expect(list).toEqual([client(app)]))
      )
    })
  )
})
