/**
 * Version 1. Every row carries its issuer. Instants are milliseconds since 1970.
 *
 * On SQLite the tables are STRICT, and small rows lie in the tree of their key (https://www.sqlite.org/withoutrowid.html
 * advises against it for rows beyond a twentieth of a page, which grants and clients are).
 */
import type { Dialect } from "./Migration.js"

export const statements = (dialect: Dialect): ReadonlyArray<string> => {
  const integer = dialect === "sqlite" ? "integer" : "bigint"
  const small = dialect === "sqlite" ? "strict, without rowid" : ""
  const large = dialect === "sqlite" ? "strict" : ""

  return [
    `create table clients (
      issuer text not null,
      id text not null,
      issued_at ${integer} not null,
      origin text not null,
      metadata text not null,
      secret_digest text,
      secret_expires_at ${integer},
      epoch ${integer} not null,
      primary key (issuer, id)
    ) ${large}`,

    // "founder" is 1 for an account that had to be the first, and null for others: so there is one at most.
    `create table accounts (
      issuer text not null,
      id text not null,
      username text not null,
      password_hash text not null,
      created_at ${integer} not null,
      epoch ${integer} not null,
      founder ${integer},
      primary key (issuer, id)
    ) ${small}`,
    "create unique index accounts_username on accounts (issuer, username)",
    "create unique index accounts_founder on accounts (issuer, founder)",

    `create table sessions (
      issuer text not null,
      id text not null,
      digest text not null,
      subject text not null,
      authenticated_at ${integer} not null,
      expires_at ${integer} not null,
      subject_epoch ${integer} not null,
      primary key (issuer, id)
    ) ${small}`,
    "create unique index sessions_digest on sessions (issuer, digest)",

    `create table consents (
      issuer text not null,
      subject text not null,
      client_id text not null,
      updated_at ${integer} not null,
      epoch ${integer} not null,
      primary key (issuer, subject, client_id)
    ) ${small}`,

    // What was allowed under an epoch of the consent; what stands under an earlier one is allowed no more.
    `create table consent_items (
      issuer text not null,
      subject text not null,
      client_id text not null,
      epoch ${integer} not null,
      kind text not null,
      value text not null,
      primary key (issuer, subject, client_id, epoch, kind, value)
    ) ${small}`,

    `create table grants (
      issuer text not null,
      id text not null,
      state text not null,
      subject text not null,
      client_id text not null,
      redirect_uri text not null,
      scope text not null,
      resources text not null,
      session_id text not null,
      authenticated_at ${integer} not null,
      approved_at ${integer} not null,
      expires_at ${integer} not null,
      subject_epoch ${integer} not null,
      client_epoch ${integer} not null,
      consent_epoch ${integer} not null,
      code_digest text not null,
      code_challenge text not null,
      code_expires_at ${integer} not null,
      redeemed_at ${integer},
      generation ${integer},
      token_digest text,
      chain_key text,
      rotated_at ${integer},
      burst_generation ${integer},
      burst_began_at ${integer},
      idle_expires_at ${integer},
      revoked_at ${integer},
      revocation_reason text,
      primary key (issuer, id)
    ) ${large}`,
    "create index grants_subject on grants (issuer, subject)",
    "create index grants_client on grants (issuer, client_id)",

    // As for accounts: a "founder" is a key that was to be the first.
    `create table root_keys (
      issuer text not null,
      id text not null,
      sealed text not null,
      created_at ${integer} not null,
      founder ${integer},
      primary key (issuer, id)
    ) ${small}`,
    "create unique index root_keys_founder on root_keys (issuer, founder)"
  ]
}
