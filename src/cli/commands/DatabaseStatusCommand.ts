/** `latchkey db status`. */
import * as Command from "@effect/cli/Command"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as DatabaseStatus from "../../layers/sql/DatabaseStatus.js"
import * as Migrations from "../../layers/sql/migrations.js"
import * as SqliteStatus from "../../layers/sql/sqlite/SqliteStatus.js"
import * as ExpiryCutoffs from "../../services/maintenance/ExpiryCutoffs.js"
import * as LibraryOptions from "../settings/LibraryOptions.js"
import * as Refusals from "../settings/Refusals.js"
import * as Target from "../settings/Target.js"
import * as Output from "../terminal/Output.js"
import { json } from "./CommandOptions.js"
import { describe } from "./DatabaseStatusText.js"
import { existing, nameMember, nameOf, postgres, type StoredTarget } from "./StoredDatabase.js"

/** Returns the status of a database as JSON. */
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
      Object.entries(oldest).map(([table, millis]) => [table, DateTime.formatIso(DateTime.unsafeMake(millis))])
    ),
    backlog,
    ...(unusedClients === undefined ? {} : { unused_clients: { count: unusedClients, maximum } }),
    ...(lastMaintenance === undefined
      ? {}
      : { last_maintenance: DateTime.formatIso(DateTime.unsafeMake(lastMaintenance)) })
  }
}

export const status = Command.make("status", { json, ...Target.forCommand }, ({ json, ...flags }) =>
  Effect.gen(function* () {
    const target = yield* existing(flags)
    const { database, settings } = target
    const cutoffs = ExpiryCutoffs.at(yield* DateTime.now, LibraryOptions.lifetimes(settings))
    const status = yield* database._tag === "Sqlite"
      ? Effect.mapError(SqliteStatus.read(nameOf(database), cutoffs), Refusals.storageOpenError)
      : postgres(database.url, settings, ({ status }, options) => status(options, cutoffs))
    yield* Output.result(json, toObject(target, status), describe(target, status))
  })
).pipe(
  Command.withDescription(
    "Show the state of the database. It shows the location, the version of the schema, the number of rows, their age and how many have expired, and the number and maximum of unused clients"
  )
)
