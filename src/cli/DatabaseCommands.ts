/** `latchkey db`: the database itself. */
import * as Path from "node:path"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { defaultLifetimes } from "../domain/Settings.js"
import type * as DatabaseStatus from "../layers/sql/DatabaseStatus.js"
import * as Migrations from "../layers/sql/migrations.js"
import * as SqliteFile from "../layers/sql/SqliteFile.js"
import * as SqliteMigrator from "../layers/sql/SqliteMigrator.js"
import * as SqliteStatus from "../layers/sql/SqliteStatus.js"
import { BatchPace } from "../services/Batches.js"
import * as Upkeep from "../services/Upkeep.js"
import * as Beside from "./Beside.js"
import { Database } from "./Database.js"
import * as Environment from "./Environment.js"
import { badUsage, type Failure, impossible } from "./Failure.js"
import * as Output from "./Output.js"
import * as Refusals from "./Refusals.js"
import * as ServerOptions from "./ServerOptions.js"

const json = Options.boolean("json").pipe(Options.withDescription("Prints it as JSON."))

const options = { json, ...ServerOptions.forCommand }

interface Status extends DatabaseStatus.Status {
  readonly path: string
}

/** The path of a database that is there. */
export const existingFile = (given: ServerOptions.Typed): Effect.Effect<string, Failure> =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.read(given)
    yield* Beside.requireExisting(place)
    return yield* Database.$match(place.database, {
      Memory: () => badUsage("memory: is the memory of the server alone, and no other process knows how it stands"),
      Sqlite: ({ filename }) => Effect.succeed(Path.resolve(filename))
    })
  })

const instant = (millis: number): DateTime.Utc => DateTime.unsafeMake(millis)

const toObject = ({ backlog, lastUpkeep, oldest, path, rows, size, version }: Status) => ({
  path,
  size,
  schema_version: version,
  supported_version: Migrations.latest,
  rows,
  oldest: Object.fromEntries(
    Object.entries(oldest).map(([table, millis]) => [table, DateTime.formatIso(instant(millis))])
  ),
  backlog,
  ...(lastUpkeep === undefined ? {} : { last_upkeep: DateTime.formatIso(instant(lastUpkeep)) })
})

const describe = ({ backlog, lastUpkeep, oldest, path, rows, size, version }: Status): string => {
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
    lastUpkeep === undefined ? "There was none yet" : `The last ended at ${Output.instant(instant(lastUpkeep))}`
  return [
    `The database ${path} has ${size} bytes, and version ${version} of the schema: ${state}`,
    Output.table(lines),
    ...(difference === 0 ? [`Upkeep deletes what is past use. ${upkeep}`] : [])
  ].join("\n\n")
}

export const status = Command.make("status", options, ({ json, ...given }) =>
  Effect.gen(function* () {
    const path = yield* existingFile(given)
    const cutoffs = Upkeep.cutoffs({ ...defaultLifetimes, ...(yield* Environment.lifetimes) }, yield* DateTime.now)
    const status = { path, ...(yield* Effect.mapError(SqliteStatus.read(path, cutoffs), Refusals.storageOpenError)) }
    yield* Output.print(json ? Output.toJson(toObject(status)) : describe(status))
  })
).pipe(
  Command.withDescription(
    "Shows where the database is, which version its schema has, how much it holds since when, and what of it is past use."
  )
)

const kinds: ReadonlyArray<readonly [kind: keyof Upkeep.Counts, name: string, words: string]> = [
  ["grants", "grants", "grants that ended"],
  ["sessions", "sessions", "sessions that ended"],
  ["revokedTokens", "revoked_tokens", "tokens revoked one by one that ended"],
  ["events", "events", "events"],
  ["clients", "clients", "clients that were never used"],
  ["consents", "consents", "consents to clients that are gone"],
  ["resealed", "resealed", "chain keys sealed under the current key"],
  ["keysRemoved", "keys_removed", "keys that nothing needs"]
]

const describeReport = (report: Upkeep.Report): string => {
  const did = kinds.filter(([kind]) => report[kind] > 0)
  return [
    did.length === 0
      ? "Nothing was past use"
      : `Upkeep is done\n\n${Output.table(did.map(([kind, _, words]) => [String(report[kind]), words]))}`,
    ...(report.more ? ["There is more: say it again, or let the server do it"] : [])
  ].join("\n\n")
}

/** Here no request waits for the event loop, and a person for the end. */
const brisk = { size: 50, most: 1_000, rest: Duration.millis(10) }

export const gc = Command.make("gc", options, ({ json, ...given }) =>
  Beside.onExisting(given, () =>
    Effect.gen(function* () {
      const pass = yield* Effect.provideService((yield* Upkeep.Upkeep).pass, BatchPace, brisk)
      if (pass._tag === "Elsewhere")
        return yield* impossible("another process is at it just now: a pass takes minutes at most")
      if (pass._tag === "Cautious") return yield* impossible("the clock jumped: nothing is deleted until it is seen to")
      const { report } = pass
      const counts = Object.fromEntries(kinds.map(([kind, name]) => [name, report[kind]]))
      yield* Output.print(
        json ? Output.toJson({ ...counts, failed: report.failed, more: report.more }) : describeReport(report)
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
    const path = yield* existingFile(given)
    const { from, to } = yield* SqliteFile.prepare(path).pipe(
      Effect.flatMap(SqliteMigrator.run),
      Effect.mapError(Refusals.storageOpenError)
    )
    yield* Output.print(
      json
        ? Output.toJson({ path, from, to })
        : from === to
          ? `The schema of ${path} has version ${to} already`
          : `The schema of ${path} went from version ${from} to ${to}`
    )
  })
).pipe(Command.withDescription("Brings the schema up to date, as each start of the server does, too."))
