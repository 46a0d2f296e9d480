/**
 * Counts requests in PostgreSQL for all nodes of a database together: one statement for all quotas of a request, each of which
 * is a row. Nodes that count also delete the rows of full quotas, so that strangers who send ever new keys leave nothing behind.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import * as RateLimit from "../../../domain/RateLimit.js"
import { decide, RateLimiter, within } from "../../../services/RateLimiter.js"
import type { PostgresClient } from "../postgres/PostgresClient.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"

/** Minimum interval between two deletions of full quotas by one node. */
const sweepEvery = Duration.seconds(10)

/** Maximum number of rows that one statement deletes. */
const sweepAtMost = 5_000

const Row = Schema.Struct({
  place: Schema.Union(Schema.Number, Schema.NumberFromString),
  owed: Schema.Union(Schema.Number, Schema.NumberFromString)
})
const readRows = SqlRow.reader("rate_limits", Schema.Array(Row))

/** Maximum number of inserts for one request. Another node may delete the rows before they are counted. */
const attempts = 3

/** Maximum number of quotas that a node remembers to have a row. */
const maxKnown = 16_384

/** $1 is the time, $2 and $3 are the names and keys of the quotas, $4 the costs of a request, and $5 the spans. */
const asked = `
  select * from unnest(cast($2 as text[]), cast($3 as text[]), cast($4 as bigint[]), cast($5 as bigint[]))
    with ordinality as asked (name, key, each, whole, place)`

/**
 * Takes from all rows while they are locked, or from none. All requests lock rows in the same order, so that two requests never
 * wait for each other. Returns no row if a row is missing.
 */
const consumeText = `
  with asked as (${asked}),
  locked as materialized (
    select kept.name, kept.key, kept.replenished_at
    from rate_limits as kept
    where (kept.name, kept.key) in (select name, key from asked)
    order by kept.name, kept.key
    for update
  ),
  before as (
    select *, least(greatest(replenished_at - cast($1 as bigint), 0), whole) as owed from asked join locked using (name, key)
  ),
  judged as (
    select *, bool_and(owed + each <= whole) over () as is_allowed, count(*) over () as found from before
  )
  update rate_limits as kept
  set replenished_at = cast($1 as bigint) + owed + case when is_allowed then each else 0 end, allowed = is_allowed
  from judged
  where kept.name = judged.name and kept.key = judged.key and found = cardinality(cast($2 as text[]))
  returning place, owed`

/** Inserts full quotas where rows are missing. It is sent with `consumeText`, so that both wait for the server once. */
const insertText = `
  insert into rate_limits (name, key, replenished_at, allowed)
  select name, key, cast($1 as bigint), true from (${asked}) as asked order by name, key
  on conflict (name, key) do nothing`

const sweepText = `
  delete from rate_limits
  where ctid = any (array (select ctid from rate_limits where replenished_at <= $1 limit ${sweepAtMost}))
    and replenished_at <= $1
  returning 1`

/** Counts by the clocks of the callers. The clocks of ready nodes differ by two seconds at most. */
export const make = (
  sql: PostgresClient & SqlStatement.Observed
): Effect.Effect<RateLimiter["Type"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const run = SqlStatement.runner(sql)
    const send = (texts: ReadonlyArray<string>, values: ReadonlyArray<unknown>) =>
      Effect.map(run(sql.pipelined(texts.map((text) => ({ text, values })))), (rows) => rows.at(-1) ?? [])

    // Quotas that probably have a row: this node has counted them since its last sweep. It inserts rows for all others.
    const known = new Set<string>()

    const sweep = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      known.clear()
      return Effect.repeat(send([sweepText], [now]), { until: (deleted) => deleted.length < sweepAtMost })
    })
    // A failure is ignored: the next sweep deletes these rows, and the requests report a store that is down.
    const sweepIfDue = yield* Effect.cachedWithTTL(Effect.forkIn(Effect.ignore(sweep), yield* Effect.scope), sweepEvery)

    const consume = (
      values: ReadonlyArray<unknown>,
      keys: ReadonlyArray<string>,
      left = attempts
    ): Effect.Effect<ReadonlyArray<typeof Row.Type>, TemporarilyUnavailable> =>
      Effect.gen(function* () {
        const isKnown = keys.every((key) => known.has(key))
        const rows = yield* readRows(yield* send(isKnown ? [consumeText] : [insertText, consumeText], values))
        if (rows.length === keys.length) {
          if (known.size >= maxKnown) known.clear()
          for (const key of keys) known.add(key)
          return rows
        }
        if (left === 0)
          return yield* new TemporarilyUnavailable({ reason: "StoreBusy", description: "try again later" })
        for (const key of keys) known.delete(key)
        return yield* consume(values, keys, left - 1)
      })

    return RateLimiter.of({
      consume: (asked) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          yield* sweepIfDue
          const limits = asked.map(({ limit }) => limit)
          const quotas = [
            limits.map(({ name }) => name),
            asked.map(({ key }) => key),
            limits.map(RateLimit.cost),
            limits.map(RateLimit.span)
          ]
          const keys = asked.map(({ key, limit }) => `${limit.name} ${key}`)
          const rows = yield* consume([now, ...quotas], keys)
          const owed = new Map(rows.map(({ owed, place }) => [place, owed]))
          return decide(
            asked,
            asked.map((_, i) => owed.get(i + 1))
          )
        }).pipe(within)
    })
  })
