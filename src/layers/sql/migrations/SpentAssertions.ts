/** Version 4. The assertions by which clients authenticated (`private_key_jwt`), until they have expired. */
import type { Dialect } from "./Migration.js"

export const statements = (dialect: Dialect): ReadonlyArray<string> => [
  `create table spent_assertions (
    issuer text not null,
    id text not null,
    expires_at ${dialect === "sqlite" ? "integer" : "bigint"} not null,
    primary key (issuer, id)
  ) ${dialect === "sqlite" ? "strict, without rowid" : ""}`,
  "create index spent_assertions_end on spent_assertions (issuer, expires_at)"
]
