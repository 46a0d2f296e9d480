/** `latchkey db status` and `latchkey db migrate`. */
import * as Path from "node:path"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { StorageOpenError } from "../../layers/files/StorageOpenError.js"
import type * as DatabaseStatus from "../../layers/sql/DatabaseStatus.js"
import * as Migrations from "../../layers/sql/migrations.js"
import * as SqliteFile from "../../layers/sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "../../layers/sql/sqlite/SqliteMigrator.js"
import * as SqliteStatus from "../../layers/sql/sqlite/SqliteStatus.js"
import * as ExpiryCutoffs from "../../services/maintenance/ExpiryCutoffs.js"
import * as Database from "../settings/Database.js"
import * as LibraryOptions from "../settings/LibraryOptions.js"
import * as Refusals from "../settings/Refusals.js"
import * as Setting from "../settings/Setting.js"
import * as Settings from "../settings/Settings.js"
import type * as Sources from "../settings/Sources.js"
import * as Target from "../settings/Target.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as WithServices from "./WithServices.js"

const json = Options.boolean("json").pipe(Options.withDescription("Print JSON"))

const options = { json, ...Target.forCommand }

/** A database that outlives the server process. */
type Stored = Exclude<Database.Database, { readonly _tag: "Memory" }>

interface StoredTarget extends Target.Target {
  readonly database: Stored
}

/** Returns the server whose database exists. */
export const existing = (flags: Sources.Flags): Effect.Effect<StoredTarget, Failure> =>
  Effect.gen(function* () {
    const target = yield* Target.load(flags)
    yield* WithServices.requireExisting(target)
    const { database } = target
    return database._tag === "Memory"
      ? yield* badUsage("memory: is inside the server process, and no other process can read it")
      : { ...target, database }
  })

/** Returns the name of a database: the full path of a file, or the URL without its password. */
export const nameOf = (database: Stored): string =>
  database._tag === "Sqlite" ? Path.resolve(database.filename) : Database.format(database)

/** Returns the same name as a member of JSON output. */
const nameMember = (database: Stored) => ({ [database._tag === "Sqlite" ? "path" : "database"]: nameOf(database) })

/** Returns the full path of a database file that exists; `otherwise` is the error for another kind of database. */
export const existingFile = (flags: Sources.Flags, otherwise: string): Effect.Effect<string, Failure> =>
  Effect.flatMap(existing(flags), ({ database }) =>
    database._tag === "Sqlite" ? Effect.succeed(nameOf(database)) : impossible(otherwise)
  )

/** Runs an operation of the PostgreSQL modules, which are loaded only if they are used. */
const postgres = <A>(
  url: Redacted.Redacted,
  { databaseSchema: schema }: Settings.Settings,
  use: (
    database: typeof import("../../layers/sql/postgres/PostgresDatabase.js"),
    options: { readonly url: Redacted.Redacted; readonly schema: string }
  ) => Effect.Effect<A, StorageOpenError>
) =>
  Effect.promise(() => import("../../layers/sql/postgres/PostgresDatabase.js")).pipe(
    Effect.flatMap((database) => use(database, { url, schema })),
    Effect.mapError(Refusals.storageOpenError)
  )

const instant = (millis: number): DateTime.Utc => DateTime.unsafeMake(millis)

const toObject = ({ database, settings }: StoredTarget, status: DatabaseStatus.Status) => {
  const { backlog, lastMaintenance, oldest, rows, size, unusedClients, version } = status
  const maximum = settings.maxUnusedClients
  return {
    ...nameMember(database),
    size,
    schema_version: version,
    supported_version: Migrations.latest,
    rows,
    oldest: Object.fromEntries(
      Object.entries(oldest).map(([table, millis]) => [table, DateTime.formatIso(instant(millis))])
    ),
    backlog,
    ...(unusedClients === undefined ? {} : { unused_clients: { count: unusedClients, maximum } }),
    ...(lastMaintenance === undefined ? {} : { last_maintenance: DateTime.formatIso(instant(lastMaintenance)) })
  }
}

/** The number and the maximum of unused clients. Each issuer has this maximum; the number is that of the fullest issuer. */
const unusedClientsLine = (unused: number, issuers: number, maximum: number): string => {
  const fullest = issuers > 1 ? " (the issuer with the most)" : ""
  const clients = `Clients that registered themselves and were never used: ${Output.number(unused)}`
  return maximum === 0
    ? `${clients}${fullest}; registration is closed (${Setting.variableOf(Settings.named("maxUnusedClients"))} is 0)`
    : `${clients} of ${Output.number(maximum)}${fullest}${unused >= maximum ? "; each registration deletes the oldest" : ""}`
}

const describe = ({ database, settings }: StoredTarget, status: DatabaseStatus.Status): string => {
  const { backlog, issuers, lastMaintenance, oldest, rows, size, unusedClients, version } = status
  const difference = Migrations.latest - version
  const state =
    difference === 0
      ? "up to date"
      : difference > 0
        ? `the next start, or latchkey db migrate, migrates it to ${Migrations.latest}`
        : `this program supports at most ${Migrations.latest}`
  const lines = Object.entries(rows).map(([table, count]): [string, string] => {
    const since = oldest[table] === undefined ? [] : [`since ${Output.instant(instant(oldest[table]))}`]
    const expired = (backlog[table] ?? 0) === 0 ? [] : [`${backlog[table]} expired`]
    return [table, [String(count).padEnd(8), ...since, ...expired].join("  ").trimEnd()]
  })
  const last =
    lastMaintenance === undefined ? "It has not run yet" : `It last ran at ${Output.instant(instant(lastMaintenance))}`
  return [
    `The database ${nameOf(database)} has ${size} bytes. The version of its schema is ${version}: ${state}`,
    Output.table(lines),
    ...(unusedClients === undefined ? [] : [unusedClientsLine(unusedClients, issuers, settings.maxUnusedClients)]),
    ...(difference === 0 ? [`Maintenance deletes expired rows. ${last}`] : [])
  ].join("\n\n")
}

export const status = Command.make("status", options, ({ json, ...flags }) =>
  Effect.gen(function* () {
    const target = yield* existing(flags)
    const { database, settings } = target
    const cutoffs = ExpiryCutoffs.at(yield* DateTime.now, LibraryOptions.lifetimes(settings))
    const status = yield* database._tag === "Sqlite"
      ? Effect.mapError(SqliteStatus.read(nameOf(database), cutoffs), Refusals.storageOpenError)
      : postgres(database.url, settings, ({ status }, options) => status(options, cutoffs))
    yield* Output.print(json ? Output.toJson(toObject(target, status)) : describe(target, status))
  })
).pipe(
  Command.withDescription(
    "Show the state of the database. It shows the location, the version of the schema, the number of rows, their age and how many have expired, and the number and maximum of unused clients"
  )
)

export const migrate = Command.make("migrate", options, ({ json, ...flags }) =>
  Effect.gen(function* () {
    const { database, settings } = yield* existing(flags)
    const { from, to } = yield* database._tag === "Sqlite"
      ? SqliteFile.prepare(database.filename).pipe(
          Effect.flatMap(SqliteMigrator.run),
          Effect.mapError(Refusals.storageOpenError)
        )
      : postgres(database.url, settings, ({ migrate }, options) => migrate(options))
    yield* Output.print(
      json
        ? Output.toJson({ ...nameMember(database), from, to })
        : from === to
          ? `The schema of ${nameOf(database)} is up to date (version ${to})`
          : `The schema of ${nameOf(database)} is migrated from version ${from} to ${to}`
    )
  })
).pipe(
  Command.withDescription("Migrate the schema to the version of this program. Each start of a server does the same")
)
