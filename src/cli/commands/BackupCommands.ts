/** `latchkey db backup` and `latchkey db copy`. */
import * as Path from "node:path"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as SqlCopy from "../../layers/sql/SqlCopy.js"
import * as SqliteBackup from "../../layers/sql/sqlite/SqliteBackup.js"
import * as SqliteCopy from "../../layers/sql/sqlite/SqliteCopy.js"
import * as Database from "../settings/Database.js"
import * as Program from "../settings/Program.js"
import * as Refusals from "../settings/Refusals.js"
import type * as Settings from "../settings/Settings.js"
import * as Sources from "../settings/Sources.js"
import * as Target from "../settings/Target.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import { json, text } from "./CommandOptions.js"
import { existingFile } from "./StoredDatabase.js"

const file = Args.text({ name: "FILE" }).pipe(Args.withDescription("Path of the backup; no file may exist there"))

export const backup = Command.make("backup", { file, json, ...Target.forCommand }, ({ file, json, ...flags }) =>
  Effect.gen(function* () {
    const path = yield* existingFile(flags, "this is a PostgreSQL database: back up its schema with pg_dump")
    const to = Path.resolve(file)
    const size = yield* Effect.mapError(SqliteBackup.write(path, to), Refusals.storageOpenError)
    yield* Output.result(
      json,
      { path: to, size },
      [
        `The backup ${to} has ${size} bytes and passed its check`,
        "It is useless without the master key: back that up too, in another place"
      ].join("\n")
    )
  })
).pipe(Command.withDescription("Back up a SQLite database to a file. The server may run meanwhile"))

const to = text("to", "DATABASE", "Database to copy to, written as for --database; it must be empty")

/** Copies a database file to another database. Returns the number of rows of each table. */
const copyTo = (
  path: string,
  target: Database.Database,
  { databaseSchema: schema }: Settings.Settings
): Effect.Effect<SqlCopy.Copied, Failure> =>
  Effect.gen(function* () {
    switch (target._tag) {
      case "Memory":
        return yield* badUsage("--to: memory: is inside a server process, and nothing can be copied there")
      case "Sqlite": {
        const { filename } = target
        if (Path.resolve(filename) === path) return yield* badUsage("--to: this is the database itself")
        return yield* SqliteCopy.source(path, (source) =>
          SqliteCopy.target(filename, (target) => SqlCopy.copy(source, target))
        )
      }
      case "Postgres": {
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

/** Says where the new server finds the master key. */
const whichKey = (path: string, target: Database.Database): string =>
  target._tag === "Postgres"
    ? `the same master key in LATCHKEY_MASTER_KEY (the content of ${path}.key, if that is the key)`
    : `the same master key (a copy of ${path}.key, if that is the key)`

export const copy = Command.make("copy", { to, json, ...Target.forCommand }, ({ json, to, ...flags }) =>
  Effect.gen(function* () {
    const source = yield* Target.load(flags)
    const path = yield* existingFile(flags, "only a SQLite database can be copied: use pg_dump for PostgreSQL")
    const database = Database.parse(yield* Sources.decodeText("database", "--to", to))
    const rows = yield* copyTo(path, database, source.settings)
    const count = Object.values(rows).reduce((sum, count) => sum + count, 0)
    const name = Database.format(database)
    yield* Output.result(
      json,
      { from: path, to: name, rows },
      [
        `${count} rows are copied to ${name}, and compared with the source`,
        Output.table(Object.entries(rows).map(([table, count]) => [table, String(count)])),
        [
          `Start the server on it, with ${whichKey(path, database)}. Never start it on the old database again:`,
          `  ${Program.line("serve", { ...source, database })}`
        ].join("\n")
      ].join("\n\n")
    )
  })
).pipe(
  Command.withDescription(
    "Copy a SQLite database to another database, which must be empty. Stop the server first: it cannot write during the copy, and rows that it writes afterwards are missing in the copy"
  )
)
