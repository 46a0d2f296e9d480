/** Reads how many rows a database has, how old they are, and how many may be deleted. Counts all issuers together. */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { forgettable } from "./ForgettableClient.js"
import { grantEnd } from "./GrantEnd.js"
import { initialAccessTokenEnd } from "./InitialAccessTokenEnd.js"
import { derived, latest } from "./migrations.js"

/** Runs a statement that only reads and has no parameters. */
export type Query<E> = (text: string) => Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>, E>

/** Rows that ended before these instants may be deleted (see `services/maintenance/Maintenance`). */
export type Cutoffs = Readonly<
  Record<
    | "grants"
    | "sessions"
    | "revokedTokens"
    | "spentAssertions"
    | "events"
    | "initialAccessTokens"
    | "clients"
    | "abandonedClients",
    DateTime.Utc
  >
>

/** A number for each table name. */
export type PerTable = Readonly<Record<string, number>>

export interface Holdings {
  readonly rows: PerTable
  /** Creation time of the oldest row, in milliseconds since 1970, for tables that store it. */
  readonly oldest: PerTable
  /** Number of rows that a maintenance pass would delete. */
  readonly backlog: PerTable
  /**
   * Number of clients that registered themselves and were never used, of the issuer that has the most, because the maximum
   * applies to each issuer. `undefined` for a database of another version.
   */
  readonly unusedClients: number | undefined
  /** Number of issuers that have clients in the database. 0 for a database of another version. */
  readonly issuers: number
  /** End of the last maintenance pass, in milliseconds since 1970. */
  readonly lastMaintenance: number | undefined
}

/** The status of a database. */
export interface Status extends Holdings {
  /** Size in bytes, including the write-ahead log. */
  readonly size: number
  /** The schema version. */
  readonly version: number
}

/** Returns the status. If the schema version differs, it has row counts only. */
export const of = <E>(
  query: Query<E>,
  about: { readonly version: number; readonly tables: ReadonlyArray<string>; readonly size: number },
  cutoffs: Cutoffs
): Effect.Effect<Status, E> => {
  const { size, version } = about
  const tables = about.tables.filter((table) => !derived.has(table))
  const nothing = { oldest: {}, backlog: {}, unusedClients: undefined, issuers: 0, lastMaintenance: undefined }
  return Effect.map(
    version === latest
      ? read(query, tables, cutoffs)
      : Effect.map(count(query, tables), (rows) => ({ ...nothing, rows })),
    (holdings) => ({ size, version, ...holdings })
  )
}

/** The column with the time when a row was created or last written. */
const createdAt: Readonly<Record<string, string>> = {
  clients: "issued_at",
  accounts: "created_at",
  sessions: "authenticated_at",
  consents: "updated_at",
  grants: "approved_at",
  root_keys: "created_at",
  initial_access_tokens: "created_at",
  events: "at"
}

const deletable = (cutoffs: Cutoffs): Readonly<Record<string, string>> => ({
  grants: `${grantEnd} < ${cutoffs.grants.epochMillis}`,
  sessions: `expires_at < ${cutoffs.sessions.epochMillis}`,
  revoked_tokens: `expires_at < ${cutoffs.revokedTokens.epochMillis}`,
  spent_assertions: `expires_at < ${cutoffs.spentAssertions.epochMillis}`,
  events: `at < ${cutoffs.events.epochMillis}`,
  initial_access_tokens: `${initialAccessTokenEnd} < ${cutoffs.initialAccessTokens.epochMillis}`,
  clients: `(
    origin = 'Dynamic' and used_at is null and issued_at < ${cutoffs.clients.epochMillis}
    or ${forgettable} and used_at < ${cutoffs.abandonedClients.epochMillis}
      and not exists (select 1 from grants where grants.issuer = clients.issuer and grants.client_id = clients.id)
  )`,
  consents: "not exists (select 1 from clients where clients.issuer = consents.issuer and clients.id = client_id)"
})

/** Reads these tables, whose columns must have the latest version. */
const read = <E>(query: Query<E>, tables: ReadonlyArray<string>, cutoffs: Cutoffs): Effect.Effect<Holdings, E> => {
  const number = (text: string) =>
    Effect.map(query(`select ${text}`), ([row]) => (row?.value === null ? undefined : Number(row?.value)))
  const each = (expression: (table: string) => string | undefined) =>
    Effect.gen(function* () {
      const found: Record<string, number> = {}
      for (const table of tables) {
        const text = expression(table)
        const value = text === undefined ? undefined : yield* number(text)
        if (value !== undefined) found[table] = value
      }
      return found
    })
  const conditions = deletable(cutoffs)
  return Effect.all({
    rows: count(query, tables),
    oldest: each((table) =>
      createdAt[table] === undefined ? undefined : `min(${createdAt[table]}) as value from ${table}`
    ),
    backlog: each((table) =>
      conditions[table] === undefined ? undefined : `count(*) as value from ${table} where ${conditions[table]}`
    ),
    unusedClients: Effect.map(
      number(
        `max(unused) as value from (
          select count(*) as unused from clients where origin = 'Dynamic' and used_at is null group by issuer
        ) as by_issuer`
      ),
      (count = 0) => count
    ),
    issuers: Effect.map(number("count(distinct issuer) as value from clients"), (count = 0) => count),
    lastMaintenance: number(
      tables.includes("leases") ? "max(ended_at) as value from leases where name = 'maintenance'" : "null as value"
    )
  })
}

const count = <E>(query: Query<E>, tables: ReadonlyArray<string>): Effect.Effect<PerTable, E> =>
  Effect.map(
    Effect.forEach(tables, (table) =>
      Effect.map(query(`select count(*) as value from "${table}"`), ([row]) => [table, Number(row?.value)] as const)
    ),
    Object.fromEntries
  )
