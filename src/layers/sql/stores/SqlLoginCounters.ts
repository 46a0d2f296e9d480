/** Counters of failed logins in a SQL database: one row for each bucket that ever counted a failure. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as FailureCounter from "../../../domain/FailureCounter.js"
import type { Issuer } from "../../../domain/Issuer.js"
import { Counting, type LoginCounters } from "../../../services/stores/LoginCounters.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"

const read = SqlRow.reader(
  "login_counters",
  Schema.Struct({ forgotten_at: Schema.Int, paused_until: Schema.Int, generation: Schema.Int })
)

const readPaused = SqlRow.reader(
  "login_counters",
  Schema.Array(Schema.Struct({ bucket: Schema.Int, paused_until: Schema.Int }))
)

const decode = (row: unknown) =>
  Either.map(read(row), ({ forgotten_at, generation, paused_until }) => ({
    forgottenAt: forgotten_at,
    pausedUntil: paused_until,
    generation
  }))

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<LoginCounters> => {
  const query = SqlStatement.queries(sql, issuer)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const findRow = query(`
    select forgotten_at, paused_until, generation from login_counters where issuer = :issuer and bucket = :bucket`)
  /** Does `FailureCounter.count` on the locked row. */
  const countRow = harmless(`
    insert into login_counters (issuer, bucket, forgotten_at, paused_until, generation)
    values (:issuer, :bucket, cast(:now as bigint) + cast(:each as bigint), 0, 0)
    on conflict (issuer, bucket) do update set (forgotten_at, paused_until) = (
      select
        base + cast(:each as bigint),
        case
          when beyond <= 0 then 0
          when beyond > cast(:doublings as bigint) then cast(:now as bigint) + cast(:each as bigint)
          else cast(:now as bigint) + (cast(:first as bigint) << cast(beyond - 1 as integer))
        end
      from (
        select
          base,
          (base - cast(:now as bigint) + cast(:each as bigint) - 1) / cast(:each as bigint) + 1 - cast(:free as bigint)
            as beyond
        from (
          select case
            when login_counters.forgotten_at > cast(:now as bigint) then login_counters.forgotten_at
            else cast(:now as bigint)
          end as base
        ) as before
      ) as counted
    )
    where login_counters.paused_until <= cast(:now as bigint)
    returning forgotten_at, paused_until, generation`)
  const releaseRow = harmless(`
    update login_counters set
      forgotten_at = forgotten_at - cast(:each as bigint),
      paused_until = case when paused_until = cast(:pausedUntil as bigint) then 0 else paused_until end
    where issuer = :issuer and bucket = :bucket and generation = :generation`)
  const clearRow = harmless(`
    insert into login_counters (issuer, bucket, forgotten_at, paused_until, generation)
    values (:issuer, :bucket, 0, 0, 1)
    on conflict (issuer, bucket) do update set
      forgotten_at = 0, paused_until = 0, generation = login_counters.generation + 1`)

  const pausedRows = query(`
    select bucket, paused_until from login_counters
    where issuer = :issuer and bucket between :first and :last and paused_until > :now`)

  const find = (bucket: number) =>
    Effect.map(
      Effect.flatMap(findRow({ bucket }), (rows) => SqlRow.first(rows, decode)),
      Option.getOrElse(() => FailureCounter.none)
    )

  return {
    find,
    count: Effect.fnUntraced(function* (bucket, rule, { epochMillis: now }) {
      const { firstPause: first, forgetsEvery: each, free } = rule
      const rows = yield* countRow({ bucket, now, each, first, free, doublings: FailureCounter.doublings(rule) })
      const counted = yield* SqlRow.first(rows, decode)
      if (Option.isSome(counted)) return Counting.Counted({ counter: counted.value })
      // The pause may have ended since the first statement. Then it ends now.
      return Counting.Paused({ until: Math.max((yield* find(bucket)).pausedUntil, now) })
    }),
    release: (bucket, { forgetsEvery: each }, { generation, pausedUntil }) =>
      Effect.asVoid(releaseRow({ bucket, each, generation, pausedUntil })),
    paused: (first, last, { epochMillis: now }) =>
      pausedRows({ first, last, now }).pipe(
        Effect.flatMap(readPaused),
        Effect.map((rows) => new Map(rows.map(({ bucket, paused_until }) => [bucket, paused_until])))
      ),
    clear: (bucket) => Effect.asVoid(clearRow({ bucket }))
  }
}
