import * as Fs from "node:fs"
import * as Path from "node:path"
import { inspect } from "node:util"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { describe } from "vitest"
import * as ResourceScopes from "../../src/domain/ResourceScopes.js"
import { account, alice, app, client, consent, grant } from "../../src/testing/contracts/fixtures.js"
import { modeOf, open, using, withSqlite } from "./sqliteFiles.js"
import { temporaryFile } from "./temporaryFile.js"

describe("a new file", () => {
  it.scopedLive("a new file, its folders, its log and its key are for their owner only, whatever the umask", () =>
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

  it.scopedLive("a file is opened again with its rows and its key, and there are no other files", () =>
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

  it.scopedLive("several processes that start at once make one file, and all of them use it", () =>
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

  it.scopedLive("a start completes a file whose process was killed before it made the tables", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      withSqlite(filename, (db) => db.pragma(`application_id = ${0x4c746368}`))
      yield* using({ filename }, ({ clients }) => clients.insert(client(app)))
    })
  )
})

describe("after a crash", () => {
  it.scopedLive("an acknowledged write that is only in the log is stored after a crash", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const copy = `${filename}.copy`
      const { clients } = yield* open({ filename })
      yield* clients.insert(client(app))
      // As a killed process leaves it: the log is not merged.
      for (const suffix of ["", "-wal", ".key"]) Fs.copyFileSync(filename + suffix, copy + suffix)
      yield* using({ filename: copy }, (stores) =>
        Effect.map(stores.clients.find(app), (found) => expect(found).toEqual(Option.some(client(app))))
      )
    })
  )
})

describe("a database that fails", () => {
  it.scopedLive("writes fail as busy while another process has the lock, and reads succeed", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const { clients } = yield* open({ filename })
      const other = new Sqlite(filename)
      other.exec("begin exclusive")
      const error = yield* Effect.flip(clients.insert(client(app)))
      expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreBusy" })
      expect(yield* clients.list({ limit: 1_000 })).toEqual([])
      other.close()
      yield* clients.insert(client(app))
    })
  )

  it.scopedLive.each([
    ["update clients set metadata = '{}', secret_digest = 'hunter2'", "metadata, secret_digest"],
    ["update clients set origin = 'hunter2'", "origin"]
  ] as const)("a row that cannot be read is unavailable, and the error omits its values: %s", ([damage, columns]) =>
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
    ["granted = 'hunter2'", "granted"],
    ["granted = '[\"hunter2\"]'", "granted"],
    [`granted = '{ "hunter2": 1 }'`, "granted"]
  ] as const)("a grant that cannot be read is unavailable: %s", ([damage, column]) =>
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

describe("a consent", () => {
  it.scopedLive("a consent whose record was interrupted by a crash allows nothing, and the next record succeeds", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const { consents } = yield* open({ filename })
      yield* consents.record(consent())
      withSqlite(filename, (db) => db.exec("delete from consent_items"))
      expect(yield* consents.find(alice, app)).toMatchObject({ value: { granted: ResourceScopes.empty, epoch: 1 } })
      expect(yield* consents.record(consent())).toEqual({ ...consent(), epoch: 1 })
    })
  )

  it.scopedLive("a consent that is withdrawn during a record stays withdrawn", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const { consents } = yield* open({ filename })
      yield* consents.record(consent())
      yield* consents.withdraw(alice, app)
      const late = "insert into consent_items select issuer, subject, client_id, 1, 'scope', 'late' from consents"
      withSqlite(filename, (db) => db.exec(late))
      expect(yield* consents.find(alice, app)).toMatchObject({ value: { granted: ResourceScopes.empty, epoch: 2 } })
      expect(yield* consents.record(consent())).toEqual({ ...consent(), epoch: 2 })
    })
  )
})

describe("closing", () => {
  it.scopedLive("closing completes the waiting writes and refuses later ones", () =>
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
        Effect.map(again.clients.list({ limit: 1_000 }), (list) => expect(list).toEqual([client(app)]))
      )
    })
  )
})
