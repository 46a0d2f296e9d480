import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Issuer } from "../../../../src/domain/Issuer.js"
import { ResourceIndicator } from "../../../../src/domain/Resource.js"
import * as ResourceScopes from "../../../../src/domain/ResourceScopes.js"
import * as Scope from "../../../../src/domain/Scope.js"
import * as SqliteStorage from "../../../../src/layers/SqliteStorage.js"
import { grantEnd } from "../../../../src/layers/sql/migrations/Operation.js"
import { migrations } from "../../../../src/layers/sql/migrations.js"
import { AccountStore } from "../../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../../src/services/stores/ClientStore.js"
import { ConsentStore } from "../../../../src/services/stores/ConsentStore.js"
import { GrantStore } from "../../../../src/services/stores/GrantStore.js"
import { KeyState, KeyStore } from "../../../../src/services/stores/KeyStore.js"
import { Storage } from "../../../../src/services/stores/Storage.js"
import {
  account,
  alice,
  app,
  at,
  callback,
  client,
  consent,
  grant,
  grantId,
  notes,
  otherApp
} from "../../../../src/testing/contracts/fixtures.js"
import { temporaryFile } from "../../temporaryFile.js"

const issuer = Issuer.make("https://auth.example.com")
const files = ResourceIndicator.make("https://files.example.com/")
const masterKey = Redacted.make(new Uint8Array(32))

const withSqlite = (path: string, use: (db: Sqlite.Database) => void) => {
  const db = new Sqlite(path)
  try {
    use(db)
  } finally {
    db.close()
  }
}

/** A database as a version of the program left it. */
const ofVersion = (path: string, version: number) =>
  withSqlite(path, (db) => {
    db.pragma(`application_id = ${0x4c746368}`)
    for (const { statements } of migrations.slice(0, version)) for (const sql of statements("sqlite")) db.exec(sql)
    db.pragma(`user_version = ${version}`)
  })

const open = (filename: string) =>
  Effect.map(Layer.build(SqliteStorage.layer({ filename, masterKey })), (context) => {
    const stores = Context.get(context, Storage).stores(issuer)
    return {
      accounts: Context.get(stores, AccountStore),
      clients: Context.get(stores, ClientStore),
      consents: Context.get(stores, ConsentStore),
      grants: Context.get(stores, GrantStore),
      keys: Context.get(stores, KeyStore)
    }
  })

it.scopedLive("what version 1 kept is there in version 2: enabled, used if it was, under the current key", () =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    ofVersion(filename, 1)
    const millis = at(0).epochMillis
    withSqlite(filename, (db) => {
      const insert = (table: string, row: Readonly<Record<string, unknown>>) => {
        const names = Object.keys({ issuer, ...row })
        db.prepare(`insert into ${table} (${names}) values (${names.map((name) => `:${name}`)})`).run({
          issuer,
          ...row
        })
      }
      for (const id of [app, otherApp]) {
        const metadata = JSON.stringify(client(id).metadata)
        insert("clients", { id, issued_at: millis, origin: "Dynamic", metadata, epoch: 1 })
      }
      const { passwordHash, username } = account(alice)
      const password_hash = Redacted.value(passwordHash)
      insert("accounts", { id: alice, username, password_hash, created_at: millis, epoch: 1, founder: 1 })
      insert("root_keys", { id: "AAAAAAAA", sealed: "sealed", created_at: millis, founder: 1 })
      const { code, terms } = grant({ approvedAt: at(5) })
      insert("grants", {
        id: terms.id,
        state: "Approved",
        subject: alice,
        client_id: app,
        redirect_uri: terms.redirectUri,
        scope: "notes:read notes:write",
        resources: JSON.stringify(ResourceScopes.resources(terms.granted)),
        session_id: terms.sessionId,
        authenticated_at: terms.authenticatedAt.epochMillis,
        approved_at: terms.approvedAt.epochMillis,
        expires_at: terms.expiresAt.epochMillis,
        subject_epoch: 1,
        client_epoch: 1,
        consent_epoch: 1,
        code_digest: code.digest,
        code_challenge: code.challenge,
        code_expires_at: code.expiresAt.epochMillis
      })
    })

    const { accounts, clients, grants, keys } = yield* open(filename)
    expect(yield* clients.list).toEqual([client(app, { usedAt: Option.some(at(5)) }), client(otherApp)])
    expect(yield* accounts.list).toEqual([account(alice)])
    expect(yield* grants.find(grantId(1))).toEqual(Option.some(grant({ approvedAt: at(5) })))
    expect(yield* keys.list).toEqual([
      { id: "AAAAAAAA", sealed: "sealed", createdAt: at(0), state: KeyState.Current() }
    ])
  })
)

it.scopedLive(
  "a consent of version 6 is listed to be withdrawn, and covers nothing until the person is asked again",
  () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      ofVersion(filename, 6)
      withSqlite(filename, (db) => {
        const { metadata } = client(app)
        const values = [issuer, app, 0, "Dynamic", JSON.stringify(metadata), 1]
        db.prepare(
          "insert into clients (issuer, id, issued_at, origin, metadata, epoch) values (?, ?, ?, ?, ?, ?)"
        ).run(values)
        db.prepare("insert into consents values (?, ?, ?, ?, ?)").run(issuer, alice, app, at(0).epochMillis, 1)
        const insert = db.prepare("insert into consent_items values (?, ?, ?, 1, ?, ?)")
        for (const [kind, value] of [
          ["scope", "notes:read"],
          ["scope", "files:read"],
          ["resource", notes],
          ["resource", files],
          ["redirect_uri", callback]
        ]) {
          insert.run(issuer, alice, app, kind, value)
        }
      })
      const { consents } = yield* open(filename)
      const found = { subject: alice, clientId: app, redirectUris: new Set([callback]), updatedAt: at(0), epoch: 1 }
      expect(yield* consents.find(alice, app)).toEqual(Option.some({ ...found, granted: ResourceScopes.empty }))
      const scope = Scope.make("notes:read", "files:read")
      expect(yield* consents.list(alice)).toEqual([
        { ...found, granted: ResourceScopes.make([notes, scope], [files, scope]) }
      ])
      yield* consents.record(consent())
      expect(yield* consents.find(alice, app)).toMatchObject({ value: { granted: consent().granted, epoch: 1 } })
      yield* consents.withdraw(alice, app)
      expect(yield* consents.list(alice)).toEqual([])
    })
)

it.scopedLive("a database of every earlier version becomes what a new one is", () =>
  Effect.gen(function* () {
    const schemaOf = (path: string) => {
      let schema: ReadonlyArray<unknown> = []
      withSqlite(path, (db) => {
        schema = db.prepare("select type, name, tbl_name, sql from sqlite_schema order by type, name").all()
      })
      return schema
    }
    const fresh = yield* temporaryFile
    yield* Effect.scoped(open(fresh))
    for (const { version } of migrations) {
      const filename = `${fresh}.${version}`
      ofVersion(filename, version)
      yield* Effect.scoped(open(filename))
      expect(schemaOf(filename)).toEqual(schemaOf(fresh))
    }
  })
)

it.scopedLive.each([
  ["grants", "grants_end", `${grantEnd} < 1 order by ${grantEnd}`],
  ["grants", "grants_subject", "subject = 'alice' and id > '' order by id"],
  ["grants", "grants_client", "client_id = 'app' and id > '' order by id"],
  ["sessions", "sessions_end", "expires_at < 1 order by expires_at"],
  ["sessions", "sessions_subject", "subject = 'alice'"],
  ["revoked_tokens", "revoked_tokens_end", "expires_at < 1 order by expires_at"],
  ["clients", "clients_unused", "origin = 'Dynamic' and used_at is null and issued_at < 1 order by issued_at"],
  ["clients", "clients_used", "origin = 'Dynamic' and used_at < 1 order by used_at"],
  ["events", "events_at", "at < 1 order by at"],
  ["events", "events_subject", "subject = 'alice' order by id"],
  ["events", "events_client", "client_id = 'app' order by id"],
  ["events", "events_grant", "grant_id = 'grant' order by id"]
] as const)("of %s, by the index %s it is found where %s, and nothing is sorted", ([table, index, condition]) =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    yield* Effect.scoped(open(filename))
    withSqlite(filename, (db) => {
      const plan = db.prepare(`explain query plan select id from ${table} where issuer = 'i' and ${condition} limit 9`)
      expect(plan.all()).toEqual([expect.objectContaining({ detail: expect.stringContaining(` ${index} `) })])
    })
  })
)
