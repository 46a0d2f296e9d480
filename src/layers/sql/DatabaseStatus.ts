/** How much a database holds, how old it is, and what of it is past use: of all issuers together. Nothing is changed. */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { grantEnd } from "./GrantEnd.js"
import { latest } from "./migrations.js"

/** Runs a statement that only reads, and has no parameters. */
export type Query<E> = (text: string) => Effect.Effect<ReadonlyArray<Readonly<Record<string, unknown>>>, E>

/** Before when what is past use ended, or happened (see `services/Maintenance`). */
export type Cutoffs = Readonly<
  Record<"grants" | "sessions" | "revokedTokens" | "events" | "clients" | "abandonedClients", DateTime.Utc>
>

/** Numbers by the names of tables. */
export type PerTable = Readonly<Record<string, number>>

export interface Holdings {
  readonly rows: PerTable
  /** When the oldest row was made, where rows say when they were; in milliseconds since 1970. */
  readonly oldest: PerTable
  /** Rows that a pass of upkeep would delete. */
  readonly backlog: PerTable
  /**
   * Number of clients that registered themselves and were never used, of the issuer that has most of them: each issuer has a
   * maximum of its own. Not known of a database of another version.
   */
  readonly unusedClients: number | undefined
  /** Number of issuers that have clients in the database; 0 for a database of another version. */
  readonly issuers: number
  /** When the last pass of upkeep ended, in milliseconds since 1970. */
  readonly lastMaintenance: number | undefined
}

/** How a database stands. */
export interface Status extends Holdings {
  /** In bytes, with what is written and not yet merged into it. */
  readonly size: number
  /** The version of its schema. */
  readonly version: number
}

/** What is said of a database of whichever version: of another than the present one its rows alone. */
export const of = <E>(
  query: Query<E>,
  about: { readonly version: number; readonly tables: ReadonlyArray<string>; readonly size: number },
  cutoffs: Cutoffs
): Effect.Effect<Status, E> => {
  const { size, tables, version } = about
  const nothing = { oldest: {}, backlog: {}, unusedClients: undefined, issuers: 0, lastMaintenance: undefined }
  return Effect.map(
    version === latest
      ? read(query, tables, cutoffs)
      : Effect.map(count(query, tables), (rows) => ({ ...nothing, rows })),
    (holdings) => ({ size, version, ...holdings })
  )
}

/** The column that says when a row was made, or last written. */
const madeAt: Readonly<Record<string, string>> = {
  clients: "issued_at",
  accounts: "created_at",
  sessions: "authenticated_at",
  consents: "updated_at",
  grants: "approved_at",
  root_keys: "created_at",
  events: "at"
}

const pastUse = (cutoffs: Cutoffs): Readonly<Record<string, string>> => ({
  grants: `${grantEnd} < ${cutoffs.grants.epochMillis}`,
  sessions: `expires_at < ${cutoffs.sessions.epochMillis}`,
  revoked_tokens: `expires_at < ${cutoffs.revokedTokens.epochMillis}`,
  events: `at < ${cutoffs.events.epochMillis}`,
  clients: `origin = 'Dynamic' and (
    used_at is null and issued_at < ${cutoffs.clients.epochMillis}
    or used_at < ${cutoffs.abandonedClients.epochMillis}
      and not exists (select 1 from grants where grants.issuer = clients.issuer and grants.client_id = clients.id)
  )`,
  consents: "not exists (select 1 from clients where clients.issuer = consents.issuer and clients.id = client_id)"
})

/** Reads these tables, whose columns must be of the present version. */
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
  const conditions = pastUse(cutoffs)
  return Effect.all({
    rows: count(query, tables),
    oldest: each((table) => (madeAt[table] === undefined ? undefined : `min(${madeAt[table]}) as value from ${table}`)),
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
