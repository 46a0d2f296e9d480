/** Version 3: keys that are replaced at once, because they leaked. */
import type { Dialect } from "./Migration.js"

export const statements = (dialect: Dialect): ReadonlyArray<string> => {
  const integer = dialect === "sqlite" ? "integer" : "bigint"

  return [
    // A replacement begins an era; the keys of earlier ones are replaced. There is one next key in each.
    `alter table root_keys add column era ${integer} not null default 1`,
    "drop index root_keys_next",
    "create unique index root_keys_next on root_keys (issuer, era) where turn is null"
  ]
}
