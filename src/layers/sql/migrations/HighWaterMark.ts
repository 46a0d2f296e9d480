/** Version 6: the greatest time that the servers of an issuer have seen. */
import type { Dialect } from "./Migration.js"

export const statements = (dialect: Dialect): ReadonlyArray<string> => {
  const integer = dialect === "sqlite" ? "integer" : "bigint"
  const small = dialect === "sqlite" ? "strict, without rowid" : ""

  return [
    // "jumped_at" is the time to which the clock last jumped forward.
    `create table high_water_marks (
      issuer text not null primary key,
      seen_at ${integer} not null,
      jumped_at ${integer}
    ) ${small}`
  ]
}
