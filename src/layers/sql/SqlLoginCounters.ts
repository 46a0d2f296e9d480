/** Counters of failed logins in a SQL database: a row for each bucket in which something was ever counted. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Issuer } from "../../domain/Issuer.js"
import { type LoginCounters, none } from "../../services/LoginCounters.js"
import * as SqlText from "./SqlText.js"

const read = SqlText.reader("login_counters", Schema.Struct({ failures: Schema.Int, last_failure_at: SqlText.Instant }))

const decode = (row: unknown) =>
  Effect.map(read(row), ({ failures, last_failure_at }) => ({ failures, lastFailureAt: last_failure_at }))

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<LoginCounters> => {
  const query = SqlText.queries(sql, issuer)
  const find = query("select failures, last_failure_at from login_counters where issuer = :issuer and bucket = :bucket")
  const fail = query(`
    insert into login_counters (issuer, bucket, failures, last_failure_at) values (:issuer, :bucket, 1, :now)
    on conflict (issuer, bucket) do update set
      failures = case
        when login_counters.last_failure_at < :forgottenBefore then 1
        else login_counters.failures + 1
      end,
      last_failure_at = excluded.last_failure_at
    returning failures, last_failure_at`)
  const release = query(`
    update login_counters set failures = failures - 1 where issuer = :issuer and bucket = :bucket and failures > 0`)
  const reset = query("delete from login_counters where issuer = :issuer and bucket = :bucket")

  return {
    find: (bucket) =>
      Effect.map(
        Effect.flatMap(find({ bucket }), (rows) => SqlText.first(rows, decode)),
        Option.getOrElse(() => none)
      ),
    fail: (bucket, now, forgottenBefore) =>
      Effect.flatMap(fail({ bucket, now: now.epochMillis, forgottenBefore: forgottenBefore.epochMillis }), ([row]) =>
        decode(row)
      ),
    release: (bucket) => Effect.asVoid(release({ bucket })),
    reset: (bucket) => Effect.asVoid(reset({ bucket }))
  }
}
