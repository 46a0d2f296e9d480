/** Leases in a SQL database: one row for each lease, with its holder. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../../domain/Issuer.js"
import type { LeaseStore } from "../../../services/stores/LeaseStore.js"
import * as SqlStatement from "../SqlStatement.js"

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<LeaseStore> => {
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const take = harmless(`
    insert into leases (issuer, name, holder, held_until) values (:issuer, :name, :holder, :until)
    on conflict (issuer, name) do update set holder = excluded.holder, held_until = excluded.held_until
      where leases.holder = excluded.holder or leases.held_until <= :now or leases.held_until > :latest
    returning holder`)
  const release = harmless(`
    update leases set held_until = :now, ended_at = :now
    where issuer = :issuer and name = :name and holder = :holder and held_until > :now`)

  return {
    take: ({ holder, name }, { epochMillis: now }, length) => {
      const until = now + Duration.toMillis(length)
      // The same time again, because clocks differ.
      const latest = until + Duration.toMillis(length)
      return Effect.map(take({ name, holder, now, until, latest }), (taken) => taken.length > 0)
    },
    release: ({ holder, name }, { epochMillis: now }) => Effect.asVoid(release({ name, holder, now }))
  }
}
