/** The database that a command reads or changes: it exists, and it outlives the server process. */
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { StorageOpenError } from "../../layers/files/StorageOpenError.js"
import * as Database from "../settings/Database.js"
import * as Refusals from "../settings/Refusals.js"
import type * as Settings from "../settings/Settings.js"
import type * as Sources from "../settings/Sources.js"
import * as Target from "../settings/Target.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as WithServices from "./WithServices.js"

/** A database that outlives the server process. */
export type Stored = Exclude<Database.Database, { readonly _tag: "Memory" }>

/** A server with such a database. */
export interface StoredTarget extends Target.Target {
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
export const nameMember = (database: Stored) => ({
  [database._tag === "Sqlite" ? "path" : "database"]: nameOf(database)
})

/** Returns the full path of a database file that exists; `otherwise` is the error for another kind of database. */
export const existingFile = (flags: Sources.Flags, otherwise: string): Effect.Effect<string, Failure> =>
  Effect.flatMap(existing(flags), ({ database }) =>
    database._tag === "Sqlite" ? Effect.succeed(nameOf(database)) : impossible(otherwise)
  )

/** Runs an operation of the PostgreSQL modules, which are loaded only if they are used. */
export const postgres = <A>(
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
