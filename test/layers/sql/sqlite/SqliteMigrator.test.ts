import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { forgettable } from "../../../../src/layers/sql/ForgettableClient.js"
import { grantEnd } from "../../../../src/layers/sql/GrantEnd.js"
import { initialAccessTokenEnd } from "../../../../src/layers/sql/InitialAccessTokenEnd.js"
import type { Migration } from "../../../../src/layers/sql/migrations/Migration.js"
import { latest, migrations } from "../../../../src/layers/sql/migrations.js"
import * as SqliteFile from "../../../../src/layers/sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "../../../../src/layers/sql/sqlite/SqliteMigrator.js"
import { withSqlite } from "../../sqliteFiles.js"
import { temporaryFile } from "../../temporaryFile.js"

const prepared = Effect.flatMap(temporaryFile, SqliteFile.prepare)

/** The version of a file, and the names of its tables. */
const read = (path: string) =>
  withSqlite(path, (db) => ({
    version: SqliteFile.versionOf(db),
    tables: db.prepare("select name from sqlite_schema where type = 'table'").pluck().all()
  }))

/** The published migrations, and one more. */
const andThen = (...statements: ReadonlyArray<string>): ReadonlyArray<Migration> => [
  ...migrations,
  { version: latest + 1, name: "next", statements: () => statements }
]

it.scopedLive("a new file gets the schema once", () =>
  Effect.gen(function* () {
    const path = yield* prepared
    expect(yield* SqliteMigrator.run(path)).toEqual({ from: 0, to: latest })
    expect(read(path)).toMatchObject({ version: latest, tables: expect.arrayContaining(["grants", "leases"]) })
    expect(yield* SqliteMigrator.run(path)).toEqual({ from: latest, to: latest })
  })
)

it.scopedLive("a migration that fails changes nothing, and the next run repeats it", () =>
  Effect.gen(function* () {
    const path = yield* prepared
    yield* SqliteMigrator.run(path)
    const before = read(path)
    const failing = andThen("create table added (id text)", "insert into no_such_table values (1)")
    expect(yield* Effect.flip(SqliteMigrator.run(path, failing))).toMatchObject({ _tag: "StorageOpenError" })
    expect(read(path)).toEqual(before)
    const working = andThen("create table added (id text)")
    expect(yield* SqliteMigrator.run(path, working)).toEqual({ from: latest, to: latest + 1 })
    expect(read(path)).toMatchObject({ version: latest + 1, tables: expect.arrayContaining(["added"]) })
  })
)

it.scopedLive("several callers at once run a migration once", () =>
  Effect.gen(function* () {
    const path = yield* prepared
    const runs = Array.from({ length: 8 }, () => SqliteMigrator.run(path, andThen("create table added (id text)")))
    yield* Effect.all(runs, { concurrency: "unbounded" })
    expect(read(path)).toMatchObject({ version: latest + 1 })
  })
)

it.scopedLive.each([
  ["grants", "grants_end", `${grantEnd} < 1 order by ${grantEnd}`],
  ["grants", "grants_subject", "subject = 'alice' and id > '' order by id"],
  ["grants", "grants_client", "client_id = 'app' and id > '' order by id"],
  ["sessions", "sessions_end", "expires_at < 1 order by expires_at"],
  ["sessions", "sessions_subject", "subject = 'alice'"],
  ["revoked_tokens", "revoked_tokens_end", "expires_at < 1 order by expires_at"],
  ["spent_assertions", "spent_assertions_end", "expires_at < 1 order by expires_at"],
  [
    "initial_access_tokens",
    "initial_access_tokens_end",
    `${initialAccessTokenEnd} < 1 order by ${initialAccessTokenEnd}`
  ],
  ["accounts", "accounts_created", "(created_at, id) > (1, 'a') order by created_at, id"],
  ["clients", "clients_issued", "(issued_at, id) > (1, 'a') order by issued_at, id"],
  ["clients", "clients_unused", "origin = 'Dynamic' and used_at is null and issued_at < 1 order by issued_at"],
  ["clients", "clients_used", `${forgettable} and used_at < 1 order by used_at`],
  ["events", "events_at", "at < 1 order by at"],
  ["events", "events_subject", "subject = 'alice' order by id"],
  ["events", "events_client", "client_id = 'app' order by id"],
  ["events", "events_grant", "grant_id = 'grant' order by id"]
] as const)("SQLite reads a page of %s by the index %s, without a sort, where %s", ([table, index, condition]) =>
  Effect.gen(function* () {
    const path = yield* prepared
    yield* SqliteMigrator.run(path)
    withSqlite(path, (db) => {
      const plan = db.prepare(`explain query plan select id from ${table} where issuer = 'i' and ${condition} limit 9`)
      expect(plan.all()).toEqual([expect.objectContaining({ detail: expect.stringContaining(` ${index} `) })])
    })
  })
)
