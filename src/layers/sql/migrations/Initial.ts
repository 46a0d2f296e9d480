/**
 * Version 1. Every row has the issuer that it belongs to. Instants are milliseconds since 1970.
 *
 * On SQLite the tables are STRICT, and small rows are stored in the tree of their primary key
 * (https://www.sqlite.org/withoutrowid.html advises against it for rows larger than a twentieth of a page, as grants and
 * clients are).
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
      state text not null,
      used_at ${integer},
      epoch ${integer} not null,
      primary key (issuer, id)
    ) ${large}`,
    "create index clients_issued on clients (issuer, issued_at, id)",
    "create index clients_unused on clients (issuer, issued_at) where origin = 'Dynamic' and used_at is null",
    "create index clients_used on clients (issuer, used_at) where origin = 'Dynamic' and used_at is not null",

    // "founder" is 1 for the account that had to be the first, and null for all others. The index allows one at most.
    `create table accounts (
      issuer text not null,
      id text not null,
      username text not null,
      password_hash text not null,
      created_at ${integer} not null,
      state text not null,
      epoch ${integer} not null,
      founder ${integer},
      primary key (issuer, id)
    ) ${small}`,
    "create index accounts_created on accounts (issuer, created_at, id)",
    "create unique index accounts_username on accounts (issuer, username)",
    "create unique index accounts_founder on accounts (issuer, founder)",

    // "browser" is the browser of the login. "network" is its network, encrypted. Both are null if they are unknown.
    `create table sessions (
      issuer text not null,
      id text not null,
      digest text not null,
      subject text not null,
      authenticated_at ${integer} not null,
      expires_at ${integer} not null,
      subject_epoch ${integer} not null,
      browser text,
      network text,
      primary key (issuer, id)
    ) ${small}`,
    "create unique index sessions_digest on sessions (issuer, digest)",
    "create index sessions_subject on sessions (issuer, subject)",
    "create index sessions_end on sessions (issuer, expires_at)",

    `create table consents (
      issuer text not null,
      subject text not null,
      client_id text not null,
      updated_at ${integer} not null,
      epoch ${integer} not null,
      primary key (issuer, subject, client_id)
    ) ${small}`,
    "create index consents_client on consents (issuer, client_id)",

    // An item counts only under the epoch that its consent has now.
    `create table consent_items (
      issuer text not null,
      subject text not null,
      client_id text not null,
      epoch ${integer} not null,
      kind text not null,
      value text not null,
      primary key (issuer, subject, client_id, epoch, kind, value)
    ) ${small}`,

    // "granted" is a JSON object of resource to scope. "redeemed_from", "rotated_from" and "burst_began_from" are keyed hashes
    // of networks, null if the network is unknown.
    `create table grants (
      issuer text not null,
      id text not null,
      state text not null,
      subject text not null,
      client_id text not null,
      redirect_uri text not null,
      granted text not null,
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
      redeemed_from text,
      generation ${integer},
      token_digest text,
      chain_key text,
      rotated_at ${integer},
      rotated_from text,
      burst_generation ${integer},
      burst_began_at ${integer},
      burst_began_from text,
      idle_expires_at ${integer},
      revoked_at ${integer},
      revocation_reason text,
      primary key (issuer, id)
    ) ${large}`,
    "create index grants_subject on grants (issuer, subject, id)",
    "create index grants_client on grants (issuer, client_id, id)",
    // The end of a grant, as in SqlGrantStore.
    `create index grants_end on grants (issuer, (case
  when state = 'Revoked' and revoked_at < expires_at then revoked_at
  when state = 'Approved' and code_expires_at < expires_at then code_expires_at
  else expires_at
end))`,
    // The root key that sealed the chain key, as in SqlGrantStore. A refresh does not change it.
    "create index grants_chain_key on grants (issuer, (substr(chain_key, 1, 14)), id) where chain_key is not null",

    // A key is current, retired, next or replaced by its epoch and its turn (see SqlKeyStore). So a promotion changes one row,
    // and there is always exactly one current key.
    `create table root_keys (
      issuer text not null,
      id text not null,
      sealed text not null,
      created_at ${integer} not null,
      turn ${integer},
      current_from ${integer},
      epoch ${integer} not null,
      primary key (issuer, id)
    ) ${small}`,
    "create unique index root_keys_turn on root_keys (issuer, turn)",
    "create unique index root_keys_next on root_keys (issuer, epoch) where turn is null",

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
      actor text,
      request_id text,
      address text,
      primary key (issuer, id)
    ) ${small}`,
    "create index events_at on events (issuer, at)",
    "create index events_subject on events (issuer, subject, id) where subject is not null",
    "create index events_client on events (issuer, client_id, id) where client_id is not null",
    "create index events_grant on events (issuer, grant_id, id) where grant_id is not null",
    "create index events_request on events (issuer, request_id, id) where request_id is not null",

    `create table login_counters (
      issuer text not null,
      bucket ${integer} not null,
      forgotten_at ${integer} not null,
      paused_until ${integer} not null,
      generation ${integer} not null,
      primary key (issuer, bucket)
    ) ${small}`,

    // "ended_at" is the time when a holder last released the lease.
    `create table leases (
      issuer text not null,
      name text not null,
      holder text not null,
      held_until ${integer} not null,
      ended_at ${integer},
      primary key (issuer, name)
    ) ${small}`,

    // "jumped_at" is the time to which the clock last jumped forward.
    `create table high_water_marks (
      issuer text not null primary key,
      seen_at ${integer} not null,
      jumped_at ${integer}
    ) ${small}`,

    // On PostgreSQL only, where nodes count requests together. On SQLite each count would be a flush to the disk.
    // Unlogged: a crash or a failover loses at most a minute of counting. The primary key is the only index and each page has
    // free space, so that counting again changes no index.
    ...(dialect === "sqlite"
      ? []
      : [
          `create unlogged table rate_limits (
            name text not null,
            key text not null,
            replenished_at bigint not null,
            allowed boolean not null,
            primary key (name, key)
          ) with (fillfactor = 50)`
        ])
  ]
}
