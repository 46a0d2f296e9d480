/** `latchkey db backup` and `latchkey db copy`: all that a database holds, elsewhere as well. */
import * as Path from "node:path"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as SqlCopy from "../layers/sql/SqlCopy.js"
import * as SqliteBackup from "../layers/sql/SqliteBackup.js"
import * as SqliteCopy from "../layers/sql/SqliteCopy.js"
import * as Database from "./Database.js"
import { existingFile } from "./DatabaseCommands.js"
import { badUsage, type Failure, impossible } from "./Failure.js"
import * as Output from "./Output.js"
import * as Program from "./Program.js"
import * as Refusals from "./Refusals.js"
import * as ServerOptions from "./ServerOptions.js"
import * as Setting from "./Setting.js"
import { table } from "./Settings.js"

const json = Options.boolean("json").pipe(Options.withDescription("Prints it as JSON."))

const file = Args.text({ name: "FILE" }).pipe(Args.withDescription("Where the backup goes; nothing may be there yet."))

export const backup = Command.make("backup", { file, json, ...ServerOptions.forCommand }, ({ file, json, ...given }) =>
  Effect.gen(function* () {
    const path = yield* existingFile(given)
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
  Database.Database.$match(target, {
    Memory: () => badUsage("--to: memory: is the memory of a server alone, and nothing can be copied there"),
    Sqlite: ({ filename }) =>
      Path.resolve(filename) === path
        ? badUsage("--to: this is the database itself")
        : SqliteCopy.source(path, (source) => SqliteCopy.target(filename, (side) => SqlCopy.copy(source, side))).pipe(
            Effect.catchTags({
              CopyRefused: ({ message }) => impossible(message),
              StorageOpenError: Refusals.storageOpenError
            })
          )
  })

export const copy = Command.make("copy", { to, json, ...ServerOptions.forCommand }, ({ json, to, ...given }) =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.read(given)
    const path = yield* existingFile(given)
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
              `Start the server on it, with the same master key (${path}.key where it has no other), and never again on the old one:`,
              `  ${Program.line("serve", { ...place, database: target })}`
            ].join("\n")
          ].join("\n\n")
    )
  })
).pipe(
  Command.withDescription(
    "Copies everything to another database, which must be empty. Stop the server first: meanwhile it could write nothing, and what it wrote afterwards would be missing."
  )
)
