/** Where the commands keep things, as one word: `sqlite:PATH`, `postgres://…`, or `memory:`. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Issuer } from "../../domain/Issuer.js"
import * as MemoryStorage from "../../layers/MemoryStorage.js"
import * as SqliteStorage from "../../layers/SqliteStorage.js"
import * as PostgresAddress from "../../layers/sql/postgres/PostgresAddress.js"
import { Storage } from "../../services/stores/Storage.js"
import { badUsage, impossible } from "../terminal/Failure.js"
import * as Environment from "./Environment.js"
import * as Setting from "./Setting.js"
import { table } from "./Settings.js"

/** A database that can be named. */
export type Database = Data.TaggedEnum<{
  /** A file, made when there is none. */
  Sqlite: { readonly filename: string }
  /** A server, on which there is the database, and in it a schema, made when there is none. */
  Postgres: { readonly url: Redacted.Redacted }
  /** The memory of the server's own process. */
  Memory: {}
}>
export const Database = Data.taggedEnum<Database>()

/** From what the setting has been checked to be. */
export const parse = (text: string): Database => {
  if (text === "memory:") return Database.Memory()
  return PostgresAddress.isOne(text)
    ? Database.Postgres({ url: Redacted.make(text) })
    : Database.Sqlite({ filename: text.slice("sqlite:".length) })
}

/** Where a server keeps things unless it is told otherwise. */
export const standard: Database = parse(table.database.standard)

/** As it is told to people: without a password. */
export const format = (self: Database): string =>
  Database.$match(self, {
    Memory: () => "memory:",
    Postgres: ({ url }) => PostgresAddress.withoutPassword(Redacted.value(url)),
    Sqlite: ({ filename }) => `sqlite:${filename}`
  })

/** Whether what leads there is not to be told to others. */
export const holdsPassword = (self: Database): boolean =>
  Database.$is("Postgres")(self) && PostgresAddress.hasPassword(Redacted.value(self.url))

/**
 * Opens it, with the master key of the environment where there is one. What takes longer than the setting allows a server's
 * statements may be given a `timeout` of its own.
 */
export const layer = (self: Database, timeout?: Duration.Duration) =>
  Database.$match(self, {
    Memory: () => MemoryStorage.layer,
    Postgres: ({ url }) => postgres(url, timeout),
    Sqlite: ({ filename }) =>
      Layer.unwrapEffect(Effect.map(Environment.masterKey, (masterKey) => SqliteStorage.layer({ filename, masterKey })))
  })

/**
 * Opens it for an issuer. A database that holds another's keys and none of this one's is most likely not the one that was
 * meant, or the issuer is misspelt: everything would seem to be gone. `isNew` says that it is meant.
 */
export const layerFor = (self: Database, issuer: Issuer, isNew: boolean) =>
  Layer.tap(layer(self), (context) =>
    Effect.gen(function* () {
      const issuers = yield* Context.get(context, Storage).issuers
      if (isNew || issuers.length === 0 || issuers.includes(issuer)) return
      return yield* impossible(
        `${format(self)} is the database of ${issuers.join(", ")}: give that --issuer, or another --database; or serve ${issuer} from it, too, with serve --new-issuer`
      )
    })
  )

/** The driver is loaded only where it is needed. */
const postgres = (url: Redacted.Redacted, timeout?: Duration.Duration) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const masterKey = yield* Environment.masterKey
      if (masterKey === undefined) {
        return yield* badUsage(
          `${Setting.variableOf(table.masterKey)} is not set: with PostgreSQL every server needs it, the same 32 bytes in base64url`
        )
      }
      const PostgresStorage = yield* Effect.promise(() => import("../../layers/PostgresStorage.js"))
      return PostgresStorage.layer({
        url,
        masterKey,
        schema: yield* Setting.read(table.databaseSchema),
        maxConnections: yield* Setting.read(table.databaseConnections),
        timeout: timeout ?? (yield* Setting.read(table.databaseTimeout))
      })
    })
  )
