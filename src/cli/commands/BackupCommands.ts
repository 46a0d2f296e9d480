/** `latchkey db backup` and `latchkey db copy`: all that a database holds, elsewhere as well. */
import * as Path from "node:path"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as SqlCopy from "../../layers/sql/SqlCopy.js"
import * as SqliteBackup from "../../layers/sql/sqlite/SqliteBackup.js"
import * as SqliteCopy from "../../layers/sql/sqlite/SqliteCopy.js"
import * as Database from "../settings/Database.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import * as Setting from "../settings/Setting.js"
import { table } from "../settings/Settings.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Program from "../terminal/Program.js"
import * as Refusals from "../terminal/Refusals.js"
import { existingFile } from "./DatabaseCommands.js"

const json = Options.boolean("json").pipe(Options.withDescription("Prints it as JSON."))

const file = Args.text({ name: "FILE" }).pipe(Args.withDescription("Where the backup goes; nothing may be there yet."))

export const backup = Command.make("backup", { file, json, ...ServerOptions.forCommand }, ({ file, json, ...given }) =>
  Effect.gen(function* () {
    const path = yield* existingFile(given, "PostgreSQL is backed up by its own pg_dump, of the schema of the tables")
    const to = Path.resolve(file)
    const size = yield* Effect.mapError(SqliteBackup.write(path, to), Refusals.storageOpenError)
    yield* Output.print(
      json
        ? Output.toJson({ path: to, size })
        : [
            `The backup ${to} has ${size} bytes, and was read through once`,
            "Without the master key it opens nothing: keep that, too, and elsewhere"
          ].join("\n")
    )
  })
).pipe(
  Command.withDescription(
    "Writes the database, as it stands at one moment, to a file of its own. The server goes on meanwhile."
  )
)

const to = Options.text("to").pipe(
  Options.withPseudoName("DATABASE"),
  Options.withDescription("Where it is copied to, as --database has it; it must be empty.")
)

/** Copies the file to another database; answers with the rows of each table. */
const copyTo = (path: string, target: Database.Database): Effect.Effect<SqlCopy.Copied, Failure> =>
  Effect.gen(function* () {
    switch (target._tag) {
      case "Memory":
        return yield* badUsage("--to: memory: is the memory of a server alone, and nothing can be copied there")
      case "Sqlite": {
        const { filename } = target
        if (Path.resolve(filename) === path) return yield* badUsage("--to: this is the database itself")
        return yield* SqliteCopy.source(path, (source) =>
          SqliteCopy.target(filename, (target) => SqlCopy.copy(source, target))
        )
      }
      case "Postgres": {
        const schema = yield* Setting.read(table.databaseSchema)
        const PostgresCopy = yield* Effect.promise(() => import("../../layers/sql/postgres/PostgresCopy.js"))
        return yield* SqliteCopy.source(path, (source) =>
          PostgresCopy.target({ url: target.url, schema }, (target) => SqlCopy.copy(source, target))
        )
      }
    }
  }).pipe(
    Effect.catchTags({
      CopyRefused: ({ message }) => impossible(message),
      StorageOpenError: Refusals.storageOpenError
    })
  )

/** Where the new server finds the master key. */
const whichKey = (path: string, target: Database.Database): string =>
  target._tag === "Postgres"
    ? `LATCHKEY_MASTER_KEY holding the same master key (what stands in ${path}.key where it has no other)`
    : `the same master key (${path}.key where it has no other)`

export const copy = Command.make("copy", { to, json, ...ServerOptions.forCommand }, ({ json, to, ...given }) =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.read(given)
    const path = yield* existingFile(given, "only a SQLite database is copied: from PostgreSQL its own pg_dump copies")
    const target = Database.parse(yield* Setting.decode(table.database, { from: "option", source: "--to", value: to }))
    const rows = yield* copyTo(path, target)
    const count = Object.values(rows).reduce((sum, count) => sum + count, 0)
    const name = Database.format(target)
    yield* Output.print(
      json
        ? Output.toJson({ from: path, to: name, rows })
        : [
            `${count} rows are copied to ${name}, and read as they were written`,
            Output.table(Object.entries(rows).map(([table, count]) => [table, String(count)])),
            [
              `Start the server on it, with ${whichKey(path, target)}, and never again on the old one:`,
              `  ${Program.line("serve", { ...place, database: target })}`
            ].join("\n")
          ].join("\n\n")
    )
  })
).pipe(
  Command.withDescription(
    "Copies everything from a SQLite file to another database, which must be empty. Stop the server first: meanwhile it could write nothing, and what it wrote afterwards would be missing."
  )
)
