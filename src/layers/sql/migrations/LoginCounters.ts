/** Version 10: counters of failed logins that forget one failure after the other, and say themselves until when they pause. */
import type { Dialect } from "./Migration.js"

export const statements = (dialect: Dialect): ReadonlyArray<string> => {
  const integer = dialect === "sqlite" ? "integer" : "bigint"

  return [
    // Made anew: the old counts would have been forgotten within the hour.
    "drop table login_counters",
    `create table login_counters (
      issuer text not null,
      bucket ${integer} not null,
      forgotten_at ${integer} not null,
      paused_until ${integer} not null,
      generation ${integer} not null,
      primary key (issuer, bucket)
    ) ${dialect === "sqlite" ? "strict, without rowid" : ""}`
  ]
}
