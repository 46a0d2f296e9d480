/** `latchkey db`: the database itself. */
import * as Path from "node:path"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { defaultLifetimes } from "../../domain/Settings.js"
import type * as DatabaseStatus from "../../layers/sql/DatabaseStatus.js"
import * as Migrations from "../../layers/sql/migrations.js"
import type { StorageOpenError } from "../../layers/sql/StorageOpenError.js"
import * as SqliteFile from "../../layers/sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "../../layers/sql/sqlite/SqliteMigrator.js"
import * as SqliteStatus from "../../layers/sql/sqlite/SqliteStatus.js"
import * as ExpiryCutoffs from "../../services/maintenance/ExpiryCutoffs.js"
import * as Maintenance from "../../services/maintenance/Maintenance.js"
import type { MaintenanceCounts, MaintenanceReport } from "../../services/maintenance/MaintenanceReport.js"
import { BatchPace } from "../../services/stores/Batches.js"
import * as Database from "../settings/Database.js"
import * as Environment from "../settings/Environment.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import * as Setting from "../settings/Setting.js"
import { table } from "../settings/Settings.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Refusals from "../terminal/Refusals.js"
import * as WithServices from "./WithServices.js"

const json = Options.boolean("json").pipe(Options.withDescription("Prints it as JSON."))

const options = { json, ...ServerOptions.forCommand }

/** A database that outlives a server. */
type Lasting = Exclude<Database.Database, { readonly _tag: "Memory" }>

/** The database that was meant, which is there. */
export const existing = (given: ServerOptions.Typed): Effect.Effect<Lasting, Failure> =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.read(given)
    yield* WithServices.requireExisting(place)
    return place.database._tag === "Memory"
      ? yield* badUsage("memory: is the memory of the server alone, and no other process knows how it stands")
      : place.database
  })

/** What to call it: a file by its path, in full. */
export const nameOf = (database: Lasting): string =>
  database._tag === "Sqlite" ? Path.resolve(database.filename) : Database.format(database)

/** The same, and where what is read by a program finds it. */
const keyOf = (database: Lasting) => ({ [database._tag === "Sqlite" ? "path" : "database"]: nameOf(database) })

/** The path of a database in a file, which is there. */
export const existingFile = (given: ServerOptions.Typed, otherwise: string): Effect.Effect<string, Failure> =>
  Effect.flatMap(existing(given), (database) =>
    database._tag === "Sqlite" ? Effect.succeed(nameOf(database)) : impossible(otherwise)
  )

/** What the driver of PostgreSQL is told; it is loaded only where it is needed. */
const postgres = <A>(
  url: Redacted.Redacted,
  use: (
    database: typeof import("../../layers/sql/postgres/PostgresDatabase.js"),
    options: { readonly url: Redacted.Redacted; readonly schema: string }
  ) => Effect.Effect<A, StorageOpenError>
) =>
  Effect.gen(function* () {
    const schema = yield* Setting.read(table.databaseSchema)
    const database = yield* Effect.promise(() => import("../../layers/sql/postgres/PostgresDatabase.js"))
    return yield* Effect.mapError(use(database, { url, schema }), Refusals.storageOpenError)
  })

const instant = (millis: number): DateTime.Utc => DateTime.unsafeMake(millis)

const toObject = (database: Lasting, status: DatabaseStatus.Status, maxUnusedClients: number) => {
  const { backlog, lastMaintenance, oldest, rows, size, unusedClients, version } = status
  return {
    ...keyOf(database),
    size,
    schema_version: version,
    supported_version: Migrations.latest,
    rows,
    oldest: Object.fromEntries(
      Object.entries(oldest).map(([table, millis]) => [table, DateTime.formatIso(instant(millis))])
    ),
    backlog,
    ...(unusedClients === undefined ? {} : { unused_clients: { count: unusedClients, maximum: maxUnusedClients } }),
    ...(lastMaintenance === undefined ? {} : { last_upkeep: DateTime.formatIso(instant(lastMaintenance)) })
  }
}

/** The number and the maximum of unused clients. Each issuer has such a maximum: the number is of the one that has most. */
const share = (unused: number, issuers: number, maximum: number): string => {
  const whose = issuers > 1 ? " (of the issuer that has most)" : ""
  const clients = `Clients that registered themselves and were never used: ${Output.number(unused)}`
  return maximum === 0
    ? `${clients}${whose}; registration is closed (${Setting.variableOf(table.maxUnusedClients)} is 0)`
    : `${clients} of ${Output.number(maximum)}${whose}${unused >= maximum ? "; each registration removes the oldest" : ""}`
}

const describe = (database: Lasting, status: DatabaseStatus.Status, maxUnusedClients: number): string => {
  const { backlog, issuers, lastMaintenance, oldest, rows, size, unusedClients, version } = status
  const difference = Migrations.latest - version
  const state =
    difference === 0
      ? "up to date"
      : difference > 0
        ? `the next start, or latchkey db migrate, brings it to ${Migrations.latest}`
        : `this program knows ${Migrations.latest} at most`
  const lines = Object.entries(rows).map(([table, count]): [string, string] => {
    const since = oldest[table] === undefined ? [] : [`since ${Output.instant(instant(oldest[table]))}`]
    const past = (backlog[table] ?? 0) === 0 ? [] : [`${backlog[table]} past use`]
    return [table, [String(count).padEnd(8), ...since, ...past].join("  ").trimEnd()]
  })
  const upkeep =
    lastMaintenance === undefined
      ? "There was none yet"
      : `The last ended at ${Output.instant(instant(lastMaintenance))}`
  return [
    `The database ${nameOf(database)} has ${size} bytes, and version ${version} of the schema: ${state}`,
    Output.table(lines),
    ...(unusedClients === undefined ? [] : [share(unusedClients, issuers, maxUnusedClients)]),
    ...(difference === 0 ? [`Maintenance deletes what is past use. ${upkeep}`] : [])
  ].join("\n\n")
}

export const status = Command.make("status", options, ({ json, ...given }) =>
  Effect.gen(function* () {
    const database = yield* existing(given)
    const cutoffs = ExpiryCutoffs.at(yield* DateTime.now, { ...defaultLifetimes, ...(yield* Environment.lifetimes) })
    const status = yield* database._tag === "Sqlite"
      ? Effect.mapError(SqliteStatus.read(nameOf(database), cutoffs), Refusals.storageOpenError)
      : postgres(database.url, ({ status }, options) => status(options, cutoffs))
    const maximum = yield* Setting.read(table.maxUnusedClients)
    yield* Output.print(json ? Output.toJson(toObject(database, status, maximum)) : describe(database, status, maximum))
  })
).pipe(
  Command.withDescription(
    "Shows where the database is, the version of its schema, how many rows it holds and since when, how many of them have expired, and the number and maximum of unused clients."
  )
)

const kinds: ReadonlyArray<readonly [kind: keyof MaintenanceCounts, name: string, words: string]> = [
  ["grants", "grants", "grants that ended"],
  ["sessions", "sessions", "sessions that ended"],
  ["revokedTokens", "revoked_tokens", "tokens revoked one by one that ended"],
  ["events", "events", "events"],
  ["clients", "clients", "clients that were never used"],
  ["abandonedClients", "abandoned_clients", "clients that were used long ago and have no grant left"],
  ["consents", "consents", "consents to clients that are gone"],
  ["resealed", "resealed", "chain keys sealed under the current key"],
  ["keysRemoved", "keys_removed", "keys that nothing needs"]
]

/** What is left, in the words of the table, and how to go on. */
const moreLeft = ({ unfinished }: MaintenanceReport): string => {
  const words = kinds.filter(([kind]) => unfinished.includes(kind)).map(([_, __, words]) => words)
  const left = words.length === 0 ? "" : ` (${words.join("; ")})`
  return `More is left to delete${left}: run latchkey db gc again, or a running server deletes it within minutes`
}

/**
 * Passes until all consents were looked at. Another process would look at the first of them again, so a pass that did not
 * come to their end is followed by the next here.
 */
const passes = (
  pass: Effect.Effect<Maintenance.PassOutcome>,
  before?: MaintenanceReport
): Effect.Effect<Maintenance.PassOutcome> =>
  Effect.flatMap(pass, (done) => {
    if (done._tag !== "Completed")
      return Effect.succeed(before === undefined ? done : Maintenance.PassOutcome.Completed({ report: before }))
    const report = before === undefined ? done.report : sum(before, done.report)
    return report.unfinished.includes("consents")
      ? passes(pass, report)
      : Effect.succeed(Maintenance.PassOutcome.Completed({ report }))
  })

/** What two passes did; the later one knows what is left. */
const sum = (first: MaintenanceReport, second: MaintenanceReport): MaintenanceReport => ({
  ...second,
  ...Object.fromEntries(kinds.map(([kind]) => [kind, first[kind] + second[kind]])),
  failed: Array.from(new Set([...first.failed, ...second.failed]))
})

/** The text of a pass for a person. */
export const describeReport = (report: MaintenanceReport): string => {
  const did = kinds.filter(([kind]) => report[kind] > 0)
  return [
    did.length === 0
      ? "Nothing was past use"
      : `Maintenance is done\n\n${Output.table(did.map(([kind, _, words]) => [String(report[kind]), words]))}`,
    ...(report.more ? [moreLeft(report)] : [])
  ].join("\n\n")
}

/** Here no request waits for the event loop, and a person for the end. */
const brisk = { size: 50, most: 1_000, rest: Duration.millis(10) }

export const gc = Command.make("gc", options, ({ json, ...given }) =>
  WithServices.onExisting(given, () =>
    Effect.gen(function* () {
      const pass = yield* Effect.provideService(passes((yield* Maintenance.Maintenance).pass), BatchPace, brisk)
      if (pass._tag === "HeldByAnotherNode")
        return yield* impossible("another process is at it just now: a pass takes minutes at most")
      if (pass._tag === "ClockUntrusted")
        return yield* impossible(
          "the clock jumped forward, or nobody saw it for long: nothing is deleted for an hour, or until latchkey db accept-clock says that it is right"
        )
      const { report } = pass
      const counts = Object.fromEntries(kinds.map(([kind, name]) => [name, report[kind]]))
      yield* Output.print(
        json
          ? Output.toJson({
              ...counts,
              failed: report.failed,
              more: report.more,
              unfinished: kinds.filter(([kind]) => report.unfinished.includes(kind)).map(([_, name]) => name)
            })
          : describeReport(report)
      )
      if (report.failed.length > 0)
        return yield* impossible(`some of it failed, and the log says why: ${report.failed.join(", ")}`)
    })
  )
).pipe(
  Command.withDescription(
    "Deletes what is past use, now: what a running server does each quarter of an hour. It may run beside one."
  )
)

export const migrate = Command.make("migrate", options, ({ json, ...given }) =>
  Effect.gen(function* () {
    const database = yield* existing(given)
    const { from, to } = yield* database._tag === "Sqlite"
      ? SqliteFile.prepare(database.filename).pipe(
          Effect.flatMap(SqliteMigrator.run),
          Effect.mapError(Refusals.storageOpenError)
        )
      : postgres(database.url, ({ migrate }, options) => migrate(options))
    yield* Output.print(
      json
        ? Output.toJson({ ...keyOf(database), from, to })
        : from === to
          ? `The schema of ${nameOf(database)} has version ${to} already`
          : `The schema of ${nameOf(database)} went from version ${from} to ${to}`
    )
  })
).pipe(Command.withDescription("Brings the schema up to date, as each start of the server does, too."))
