/** `latchkey db`: the database itself. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Migrations from "../layers/sql/migrations.js"
import * as SqliteFile from "../layers/sql/SqliteFile.js"
import * as Beside from "./Beside.js"
import { Database } from "./Database.js"
import { badUsage } from "./Failure.js"
import * as Output from "./Output.js"
import * as Refusals from "./Refusals.js"
import * as ServerOptions from "./ServerOptions.js"

const json = Options.boolean("json").pipe(Options.withDescription("Prints it as JSON."))

interface Status {
  readonly path: string
  /** In bytes, with what is written and not yet merged into the file. */
  readonly size: number
  readonly schema_version: number
  /** What this program reads and writes. */
  readonly supported_version: number
  /** The rows of each table, of all issuers together. */
  readonly rows: Readonly<Record<string, number>>
}

const sizeOf = (path: string): number => Fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Reads it without changing anything: no table is made, none brought up to date. */
const read = (path: string): Status => {
  const db = SqliteFile.openReader(path)
  try {
    const tables = db.prepare("select name from sqlite_schema where type = 'table' order by name").pluck().all()
    const count = (table: string) => Number(db.prepare(`select count(*) from "${table}"`).pluck().get())
    return {
      path,
      size: sizeOf(path) + sizeOf(`${path}-wal`),
      schema_version: SqliteFile.versionOf(db),
      supported_version: Migrations.latest,
      rows: Object.fromEntries(tables.map((table) => [String(table), count(String(table))]))
    }
  } finally {
    db.close()
  }
}

const describe = ({ path, rows, schema_version, size, supported_version }: Status): string => {
  const difference = supported_version - schema_version
  const version =
    difference === 0
      ? "up to date"
      : difference > 0
        ? `the next start brings it to ${supported_version}`
        : `this program knows ${supported_version} at most`
  return [
    `The database ${path} has ${size} bytes, and version ${schema_version} of the schema: ${version}`,
    Output.table(Object.entries(rows).map(([table, count]) => [table, String(count)]))
  ].join("\n\n")
}

export const status = Command.make("status", { json, ...ServerOptions.forCommand }, ({ json, ...given }) =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.read(given)
    yield* Beside.requireExisting(place)
    const path = yield* Database.$match(place.database, {
      Postgres: () => badUsage("a PostgreSQL database tells of itself by its own tools"),
      Memory: () => badUsage("memory: is the memory of the server alone, and no other process knows how it stands"),
      Sqlite: ({ filename }) => Effect.succeed(Path.resolve(filename))
    })
    const status = yield* Effect.mapError(
      SqliteFile.attempt(path, () => read(path)),
      Refusals.storageOpenError
    )
    yield* Output.print(json ? Output.toJson(status) : describe(status))
  })
).pipe(Command.withDescription("Shows where the database is, which version its schema has, and how much it holds."))
