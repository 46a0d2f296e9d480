/** Initial access tokens in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type InitialAccessToken, InitialAccessTokenId } from "../../../domain/InitialAccessToken.js"
import type { Issuer } from "../../../domain/Issuer.js"
import type { InitialAccessTokenStore } from "../../../services/stores/InitialAccessTokenStore.js"
import { initialAccessTokenEnd as end } from "../InitialAccessTokenEnd.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"

const columns = "id, label, created_at, expires_at, max_uses, uses, used_at"

const Row = Schema.Struct({
  id: InitialAccessTokenId,
  label: Schema.NullOr(Schema.String),
  created_at: SqlRow.Instant,
  expires_at: Schema.NullOr(SqlRow.Instant),
  max_uses: Schema.NullOr(Schema.Int),
  uses: Schema.Int,
  used_at: Schema.NullOr(SqlRow.Instant)
})

const read = SqlRow.reader("initial_access_tokens", Row)

const decode = (row: unknown) =>
  Either.map(
    read(row),
    (row): InitialAccessToken => ({
      id: row.id,
      label: Option.fromNullable(row.label),
      createdAt: row.created_at,
      expiresAt: Option.fromNullable(row.expires_at),
      maxUses: Option.fromNullable(row.max_uses),
      uses: row.uses,
      usedAt: Option.fromNullable(row.used_at)
    })
  )

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<InitialAccessTokenStore> => {
  const query = SqlStatement.queries(sql, issuer)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const insert = harmless(`
    insert into initial_access_tokens (issuer, digest, ${columns})
    values (:issuer, :digest, :id, :label, :createdAt, :expiresAt, :maxUses, :uses, :usedAt)`)
  const find = query(`select ${columns} from initial_access_tokens where issuer = :issuer and digest = :digest`)
  const spend = harmless(`
    update initial_access_tokens set uses = uses + 1, used_at = :now
    where issuer = :issuer and id = :id
      and (expires_at is null or expires_at > :now) and (max_uses is null or uses < max_uses)
    returning id`)
  const list = query(`
    select ${columns} from initial_access_tokens where issuer = :issuer and id > :after order by id limit :limit`)
  const remove = query("delete from initial_access_tokens where issuer = :issuer and id = :id returning id")
  // The outer condition is a sum, so that the rows are found by their ids (see GrantStatements).
  const prune = query(`
    delete from initial_access_tokens where issuer = :issuer and id in (
      select id from initial_access_tokens where issuer = :issuer and ${end} < :before order by ${end} limit :limit
    ) and 0 + ${end} < :before
    returning id`)

  return {
    insert: ({ createdAt, expiresAt, id, label, maxUses, usedAt, uses }, digest) =>
      Effect.asVoid(
        insert({
          digest,
          id,
          label: Option.getOrNull(label),
          createdAt: createdAt.epochMillis,
          expiresAt: Option.getOrNull(expiresAt)?.epochMillis ?? null,
          maxUses: Option.getOrNull(maxUses),
          uses,
          usedAt: Option.getOrNull(usedAt)?.epochMillis ?? null
        })
      ),
    find: (digest) => Effect.flatMap(find({ digest }), (rows) => SqlRow.first(rows, decode)),
    spend: (id, { epochMillis: now }) => Effect.map(spend({ id, now }), (rows) => rows.length > 0),
    list: ({ after = "", limit }) => Effect.flatMap(list({ after, limit }), Effect.forEach(decode)),
    remove: (id) => Effect.map(remove({ id }), (rows) => rows.length > 0),
    prune: (before, limit) => Effect.map(prune({ before: before.epochMillis, limit }), (pruned) => pruned.length)
  }
}
