/**
 * Version 5. Initial access tokens (RFC 7591 §3), and the registration access token of a client (RFC 7592 §1.2). Both are
 * stored as digests.
 */
import type { Dialect } from "./Migration.js"

export const statements = (dialect: Dialect): ReadonlyArray<string> => {
  const integer = dialect === "sqlite" ? "integer" : "bigint"
  return [
    "alter table clients add column registration_digest text",
    `create table initial_access_tokens (
      issuer text not null,
      id text not null,
      digest text not null,
      label text,
      created_at ${integer} not null,
      expires_at ${integer},
      max_uses ${integer},
      uses ${integer} not null,
      used_at ${integer},
      primary key (issuer, id)
    ) ${dialect === "sqlite" ? "strict, without rowid" : ""}`,
    "create unique index initial_access_tokens_digest on initial_access_tokens (issuer, digest)",
    // The end of a token, as in SqlInitialAccessTokenStore.
    `create index initial_access_tokens_end on initial_access_tokens
      (issuer, (case when uses >= max_uses then used_at else expires_at end))`
  ]
}
