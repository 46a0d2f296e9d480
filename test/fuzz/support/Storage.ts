/** Invariants of the database after a run: of each row, of the number of rows, and of what its bytes may hold. */
import Sqlite from "better-sqlite3"
import { defaultMaxUnusedClients } from "../../../src/domain/Settings.js"
import { buckets } from "../../../src/services/stores/LoginCounters.js"
import { ofSqlite } from "../../fault/support/Snapshot.js"
import type { Broken } from "./Oracles.js"

/** Queries that find rows that must not be there. */
const forbidden: Readonly<Record<string, string>> = {
  "an approved grant has its code and nothing of later": `select id from grants where state = 'Approved' and (code_digest is null
    or redeemed_at is not null or generation is not null or token_digest is not null or chain_key is not null
    or revoked_at is not null or revocation_reason is not null)`,
  "an active grant was redeemed, and has a whole chain or none": `select id from grants where state = 'Active' and (redeemed_at is null
    or revoked_at is not null or revocation_reason is not null or (generation is null) <> (token_digest is null)
    or (generation is null) <> (chain_key is null) or (generation is null) <> (idle_expires_at is null) or generation < 1
    or burst_generation > generation)`,
  "a revoked grant has a reason, a time, and no chain": `select id from grants where state = 'Revoked' and (revocation_reason is null
    or revoked_at is null or generation is not null or token_digest is not null or chain_key is not null)`,
  "a grant is in a known state": "select id from grants where state not in ('Approved', 'Active', 'Revoked')",
  "the times of a grant are in order": `select id from grants where redeemed_at < approved_at or rotated_at < redeemed_at
    or revoked_at < approved_at or expires_at <= approved_at or code_expires_at > expires_at`,
  "no two grants share a code or a refresh token": `select code_digest as id from grants group by code_digest having count(*) > 1
    union all select token_digest as id from grants where token_digest is not null group by token_digest having count(*) > 1`,
  "a code and a refresh token are kept as a SHA-256 digest": `select id from grants where length(code_digest) <> 43
    or length(coalesce(token_digest, code_digest)) <> 43`,
  "a password is kept as an Argon2id hash": "select id from accounts where password_hash not glob '$argon2id$*'",
  "a client's secret is kept as a digest": "select id from clients where length(secret_digest) <> 43",
  "no two accounts share a name": "select username as id from accounts group by username having count(*) > 1",
  "a session is of an account": "select id from sessions where subject not in (select id from accounts)",
  "metadata of a client is a JSON object": "select id from clients where json_type(metadata) <> 'object'"
}

/** Requests that were sent, by what may add rows. */
export interface Sent {
  readonly all: number
  readonly registrations: number
  readonly logins: number
  readonly approvals: number
  readonly revocations: number
}

/** Maximum number of rows of each table after these requests. */
const bounds = (sent: Sent): Readonly<Record<string, number>> => ({
  // The accounts and clients of the run's own beginning, and a margin for what its beginning allowed.
  clients: sent.registrations + 10,
  sessions: sent.logins + 10,
  grants: sent.approvals + 10,
  consents: sent.approvals + 10,
  revoked_tokens: sent.revocations + 10,
  spent_assertions: sent.all + 10,
  // A name, a device, and up to three networks, with and without the name.
  login_counters: Math.min(buckets, 8 * sent.logins + 80),
  // One request makes a registration, a login, a decision, a redemption or a revocation: with what follows of it, two.
  events: 2 * sent.all + 100
})

const count = (db: Sqlite.Database, from: string): number =>
  db.prepare<[], { readonly n: number }>(`select count(*) as n from ${from}`).get()?.n ?? 0

/** Rows by table. */
export type Counts = Readonly<Record<string, number>>

/** Looks through a database file. */
export const inspect = (
  path: string,
  sent: Sent
): { readonly broken: ReadonlyArray<Broken>; readonly counts: Counts } => {
  const { grants, integrity } = ofSqlite(path)
  const broken: Array<Broken> = []
  const report = (detail: string) => broken.push({ oracle: "storage", detail })
  if (integrity !== "ok") report(`integrity_check: ${String(integrity)}`)
  const uncovered = [...grants].filter(([, { isCovered, isLiving }]) => isLiving && !isCovered)
  if (uncovered.length > 0)
    report(`${uncovered.length} living grants have more scope than their consent (${uncovered[0]?.[0]})`)
  const db = new Sqlite(path, { readonly: true })
  try {
    for (const [promise, query] of Object.entries(forbidden)) {
      const rows = db.prepare<[], { readonly id: string }>(query).all()
      if (rows.length > 0) report(`${rows.length} rows break: ${promise} (${rows[0]?.id})`)
    }
    const counts = Object.fromEntries(Object.keys(bounds(sent)).map((table) => [table, count(db, table)]))
    for (const [table, most] of Object.entries(bounds(sent))) {
      if ((counts[table] ?? 0) > most) report(`${table} has ${counts[table]} rows, of ${most} at most`)
    }
    const unused = count(db, "clients where origin = 'Dynamic' and used_at is null")
    if (unused > defaultMaxUnusedClients) report(`${unused} unused clients, of ${defaultMaxUnusedClients} at most`)
    return { broken, counts }
  } finally {
    db.close()
  }
}
