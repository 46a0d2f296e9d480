/** Revoked tokens in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../../domain/Issuer.js"
import type { RevokedTokenStore } from "../../../services/stores/RevokedTokenStore.js"
import * as SqlStatement from "../SqlStatement.js"

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<RevokedTokenStore> => {
  const query = SqlStatement.queries(sql, issuer)
  const insert = query(`
    insert into revoked_tokens (issuer, id, expires_at) values (:issuer, :id, :expiresAt)
    on conflict (issuer, id) do nothing
    returning id`)
  const prolong = query(`
    update revoked_tokens set expires_at = :expiresAt where issuer = :issuer and id = :id and expires_at < :expiresAt`)
  const has = query("select 1 as found from revoked_tokens where issuer = :issuer and id = :id")
  // The outer condition is a sum, so that the rows are found by their ids (see GrantStatements).
  const prune = query(`
    delete from revoked_tokens where issuer = :issuer and id in (
      select id from revoked_tokens where issuer = :issuer and expires_at < :before order by expires_at limit :limit
    ) and 0 + expires_at < :before
    returning id`)

  return {
    insert: Effect.fnUntraced(function* (id, { epochMillis: expiresAt }) {
      const isNew = (yield* insert({ id, expiresAt })).length > 0
      if (!isNew) yield* prolong({ id, expiresAt })
      return isNew
    }),
    prune: (before, limit) => Effect.map(prune({ before: before.epochMillis, limit }), (pruned) => pruned.length),
    has: (id) => Effect.map(has({ id }), (found) => found.length > 0)
  }
}
