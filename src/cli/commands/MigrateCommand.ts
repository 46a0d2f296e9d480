/** `latchkey db migrate`. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as SqliteFile from "../../layers/sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "../../layers/sql/sqlite/SqliteMigrator.js"
import * as Refusals from "../settings/Refusals.js"
import * as Target from "../settings/Target.js"
import * as Output from "../terminal/Output.js"
import { json } from "./CommandOptions.js"
import { existing, nameMember, nameOf, postgres } from "./StoredDatabase.js"

export const migrate = Command.make("migrate", { json, ...Target.forCommand }, ({ json, ...flags }) =>
  Effect.gen(function* () {
    const { database, settings } = yield* existing(flags)
    const { from, to } = yield* database._tag === "Sqlite"
      ? SqliteFile.prepare(database.filename).pipe(
          Effect.flatMap(SqliteMigrator.run),
          Effect.mapError(Refusals.storageOpenError)
        )
      : postgres(database.url, settings, ({ migrate }, options) => migrate(options))
    const state = from === to ? `up to date (version ${to})` : `migrated from version ${from} to ${to}`
    yield* Output.result(json, { ...nameMember(database), from, to }, `The schema of ${nameOf(database)} is ${state}`)
  })
).pipe(
  Command.withDescription("Migrate the schema to the version of this program. Each start of a server does the same")
)
