/** Spent assertions in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../../domain/Issuer.js"
import type { SpentAssertionStore } from "../../../services/stores/SpentAssertionStore.js"
import * as SqlStatement from "../SqlStatement.js"

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<SpentAssertionStore> => {
  const query = SqlStatement.queries(sql, issuer, "Harmless")
  const spend = query(`
    insert into spent_assertions (issuer, id, expires_at) values (:issuer, :id, :expiresAt)
    on conflict (issuer, id) do nothing
    returning id`)
  // The outer condition is a sum, so that the rows are found by their ids (see GrantStatements).
  const prune = query(`
    delete from spent_assertions where issuer = :issuer and id in (
      select id from spent_assertions where issuer = :issuer and expires_at < :before order by expires_at limit :limit
    ) and 0 + expires_at < :before
    returning id`)

  return {
    spend: (id, { epochMillis: expiresAt }) => Effect.map(spend({ id, expiresAt }), (spent) => spent.length > 0),
    prune: (before, limit) => Effect.map(prune({ before: before.epochMillis, limit }), (pruned) => pruned.length)
  }
}
