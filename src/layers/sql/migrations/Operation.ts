/**
 * Version 2: what it takes to run a server. Clients and accounts that can be disabled, keys that follow one another,
 * resources, tokens revoked one by one, events, login counters, and the indexes by which all of it is listed and pruned.
 */
import type { Dialect } from "./Migration.js"

/**
 * When a grant is over: by its revocation, with its code where that was never redeemed, or at its absolute end. The
 * index of it is used only where it stands word for word.
 */
export const grantEnd = `case
  when state = 'Revoked' and revoked_at < expires_at then revoked_at
  when state = 'Approved' and code_expires_at < expires_at then code_expires_at
  else expires_at
end`

export const statements = (dialect: Dialect): ReadonlyArray<string> => {
  const integer = dialect === "sqlite" ? "integer" : "bigint"
  const small = dialect === "sqlite" ? "strict, without rowid" : ""
  const large = dialect === "sqlite" ? "strict" : ""

  return [
    "alter table accounts add column state text not null default 'Enabled'",

    "alter table clients add column state text not null default 'Enabled'",
    `alter table clients add column used_at ${integer}`,
    `update clients set used_at = (
      select min(approved_at) from grants where grants.issuer = clients.issuer and grants.client_id = clients.id
    )`,
    "create index clients_unused on clients (issuer, issued_at) where origin = 'Dynamic' and used_at is null",

    "create index sessions_subject on sessions (issuer, subject)",
    "create index sessions_end on sessions (issuer, expires_at)",

    "drop index grants_subject",
    "drop index grants_client",
    "create index grants_subject on grants (issuer, subject, id)",
    "create index grants_client on grants (issuer, client_id, id)",
    `create index grants_end on grants (issuer, (${grantEnd}))`,

    // The key of the highest turn is the current one, those before it are retired, and one without a turn is the next.
    // So a promotion changes one row, and there is always exactly one current key.
    `alter table root_keys add column turn ${integer}`,
    `alter table root_keys add column current_from ${integer}`,
    "update root_keys set turn = 1, current_from = created_at",
    "create unique index root_keys_turn on root_keys (issuer, turn)",
    "create unique index root_keys_next on root_keys (issuer) where turn is null",
    "drop index root_keys_founder",
    "alter table root_keys drop column founder",

    `create table resources (
      issuer text not null,
      uri text not null,
      name text,
      scopes text not null,
      server_id text,
      server_digest text,
      primary key (issuer, uri)
    ) ${large}`,
    "create unique index resources_server on resources (issuer, server_id)",

    `create table revoked_tokens (
      issuer text not null,
      id text not null,
      expires_at ${integer} not null,
      primary key (issuer, id)
    ) ${small}`,
    "create index revoked_tokens_end on revoked_tokens (issuer, expires_at)",

    `create table events (
      issuer text not null,
      id text not null,
      at ${integer} not null,
      subject text,
      client_id text,
      grant_id text,
      kind text not null,
      primary key (issuer, id)
    ) ${small}`,
    "create index events_at on events (issuer, at)",
    "create index events_subject on events (issuer, subject, id) where subject is not null",
    "create index events_client on events (issuer, client_id, id) where client_id is not null",
    "create index events_grant on events (issuer, grant_id, id) where grant_id is not null",

    `create table login_counters (
      issuer text not null,
      bucket ${integer} not null,
      failures ${integer} not null,
      last_failure_at ${integer} not null,
      primary key (issuer, bucket)
    ) ${small}`
  ]
}
