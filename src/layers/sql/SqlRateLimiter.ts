/**
 * Requests counted in PostgreSQL, for all nodes of a database together: one statement on one row each. Rows of quotas that
 * are whole again are deleted as counting goes on, so that strangers who come with ever new keys leave nothing behind.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as RateLimit from "../../domain/RateLimit.js"
import { RateLimiter, within } from "../../services/RateLimiter.js"
import * as SqlText from "./SqlText.js"

/** How often a node that counts deletes the rows that count nothing any more, and how many at a time. */
const sweepEvery = Duration.toMillis(Duration.seconds(10))
const sweepAtMost = 5_000

const Row = Schema.Struct({
  replenished_at: Schema.Union(Schema.Number, Schema.NumberFromString),
  allowed: Schema.Boolean
})
const readRow = SqlText.reader("rate_limits", Row)

/** `RateLimit.consume` on the row while it is locked: $3 is now, $4 the cost of a request, $5 the whole of the quota. */
const consumeText = `
  insert into rate_limits as kept (name, key, replenished_at, allowed)
  values ($1, $2, cast($3 as bigint) + cast($4 as bigint), true)
  on conflict (name, key) do update set (replenished_at, allowed) = (
    select
      cast($3 as bigint) + owed + case when owed + cast($4 as bigint) <= cast($5 as bigint) then cast($4 as bigint) else 0 end,
      owed + cast($4 as bigint) <= cast($5 as bigint)
    from (select least(greatest(kept.replenished_at - cast($3 as bigint), 0), cast($5 as bigint)) as owed) as before
  )
  returning replenished_at, allowed`

const sweepText = `
  delete from rate_limits
  where ctid = any (array (select ctid from rate_limits where replenished_at <= $1 limit ${sweepAtMost}))
    and replenished_at <= $1
  returning 1`

/** Counts by the callers' clocks, which differ by seconds at most where nodes are ready. */
export const make = (sql: SqlClient.SqlClient): Effect.Effect<RateLimiter["Type"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const run = SqlText.runner(sql)
    const query = (text: string, values: ReadonlyArray<string | number>) => run(sql.unsafe<object>(text, values))

    const scope = yield* Effect.scope
    let sweptAt = yield* Clock.currentTimeMillis

    const sweep = (now: number): Effect.Effect<void> =>
      Effect.repeat(query(sweepText, [now]), { until: (deleted) => deleted.length < sweepAtMost }).pipe(
        // What is not deleted now is deleted later; and of a store that is down the requests tell.
        Effect.ignore
      )

    /** Nobody waits for it. */
    const sweepIfDue = (now: number) => {
      if (Math.abs(now - sweptAt) < sweepEvery) return Effect.void
      sweptAt = now
      return Effect.forkIn(sweep(now), scope)
    }

    return RateLimiter.of({
      consume: (limit, key) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          yield* sweepIfDue(now)
          const [each, whole] = [RateLimit.cost(limit), RateLimit.span(limit)]
          const [row] = yield* query(consumeText, [limit.name, key, now, each, whole])
          const { allowed, replenished_at } = yield* readRow(row)
          return RateLimit.decide(limit, replenished_at - now - (allowed ? each : 0))
        }).pipe(within)
    })
  })
