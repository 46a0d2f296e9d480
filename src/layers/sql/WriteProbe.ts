/**
 * Writes as much as a group of requests, and leaves nothing behind: the row of a lease that no node takes. On SQLite it commits
 * the write, because only a commit writes to the disk. On PostgreSQL it rolls the write back, because the statement already
 * allocates the space.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Base64Url from "../../domain/Base64Url.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { randomBytes } from "../../services/keys/Crypto.js"
import * as SqlStatement from "./SqlStatement.js"
import { probeSize } from "./WriteHealth.js"

/** The key of the row. No issuer is the empty text. */
const key = { issuer: "", name: "write probe" }

/** Text that a database cannot compress. */
const content = Effect.map(randomBytes((probeSize * 3) / 4), Base64Url.encode)

const insert = (sql: SqlClient, holder: string) =>
  sql`insert into leases ${sql.insert({ ...key, holder, held_until: 0 })}
    on conflict (issuer, name) do update set holder = excluded.holder`

const remove = (sql: SqlClient) => sql`delete from leases where issuer = ${key.issuer} and name = ${key.name}`

/** Writes and deletes the row. */
export const ofSqlite = (sql: SqlStatement.Observed): Effect.Effect<void, TemporarilyUnavailable> =>
  Effect.gen(function* () {
    const run = SqlStatement.runner(sql)
    yield* run(insert(sql, yield* content))
    yield* run(remove(sql))
  })

/** Rolls the transaction back after the probe has succeeded. */
class RolledBack extends Data.TaggedError("RolledBack") {}

/** Writes the row in a transaction that is rolled back. */
export const ofPostgres = (sql: SqlStatement.Observed): Effect.Effect<void, TemporarilyUnavailable> =>
  Effect.gen(function* () {
    const run = SqlStatement.runner(sql)
    const holder = yield* content
    const written = sql.withTransaction(Effect.zipRight(insert(sql, holder), new RolledBack()))
    yield* run(Effect.catchTag(written, "RolledBack", () => Effect.void))
  })
