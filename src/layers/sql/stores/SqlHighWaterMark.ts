/** The latest time seen, in a SQL database: one row for each issuer. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Issuer } from "../../../domain/Issuer.js"
import type { HighWaterMark, Mark } from "../../../services/stores/HighWaterMark.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"

const Row = Schema.Struct({
  seenAt: Schema.propertySignature(SqlRow.Instant).pipe(Schema.fromKey("seen_at")),
  jumpedAt: Schema.propertySignature(Schema.OptionFromNullOr(SqlRow.Instant)).pipe(Schema.fromKey("jumped_at"))
})

const read = SqlRow.reader("high_water_marks", Row)

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<HighWaterMark> => {
  const query = SqlStatement.queries(sql, issuer)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const note = harmless(`
    insert into high_water_marks (issuer, seen_at, jumped_at) values (:issuer, :now, null)
    on conflict (issuer) do update set
      jumped_at = case when excluded.seen_at - high_water_marks.seen_at > :leap
        then excluded.seen_at else high_water_marks.jumped_at end,
      seen_at = case when excluded.seen_at > high_water_marks.seen_at
        then excluded.seen_at else high_water_marks.seen_at end
    returning seen_at, jumped_at`)
  const accept = query(`
    insert into high_water_marks (issuer, seen_at, jumped_at) values (:issuer, :now, null)
    on conflict (issuer) do update set seen_at = excluded.seen_at, jumped_at = null`)

  return {
    note: ({ epochMillis: now }, leap) =>
      Effect.flatMap(
        note({ now, leap: Duration.toMillis(leap) }),
        ([row]): Effect.Effect<Mark, Effect.Effect.Error<ReturnType<typeof read>>> => read(row)
      ),
    accept: ({ epochMillis: now }) => Effect.asVoid(accept({ now }))
  }
}
