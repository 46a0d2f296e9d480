/** The database of a server, written as `sqlite:PATH`, `postgres://…` or `memory:`. */
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
import * as MasterKey from "./MasterKey.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"

export type Database = Data.TaggedEnum<{
  /** A file, created if it does not exist. */
  Sqlite: { readonly filename: string }
  /** A database on a server, and in it a schema, created if it does not exist. */
  Postgres: { readonly url: Redacted.Redacted }
  /** The memory of the server process. */
  Memory: {}
}>
export const Database = Data.taggedEnum<Database>()

/** Parses the text of the setting, which is valid. */
export const parse = (text: string): Database => {
  if (text === "memory:") return Database.Memory()
  return PostgresAddress.isOne(text)
    ? Database.Postgres({ url: Redacted.make(text) })
    : Database.Sqlite({ filename: text.slice("sqlite:".length) })
}

/** The database without any settings. */
export const standard: Database = parse(String(Settings.named("database").default))

/** Formats a database without its password. */
export const format = (self: Database): string =>
  Database.$match(self, {
    Memory: () => "memory:",
    Postgres: ({ url }) => PostgresAddress.withoutPassword(Redacted.value(url)),
    Sqlite: ({ filename }) => `sqlite:${filename}`
  })

/** Whether the URL holds a password, which must not be printed. */
export const holdsPassword = (self: Database): boolean =>
  Database.$is("Postgres")(self) && PostgresAddress.hasPassword(Redacted.value(self.url))

/** A database, and the settings with which it is opened. */
export interface Configured {
  readonly database: Database
  readonly settings: Settings.Settings
}

/**
 * Opens a database with the master key of the environment, if there is one. `timeout` replaces the setting for a command
 * whose statements take longer than those of a server.
 */
export const layer = ({ database, settings }: Configured, timeout?: Duration.Duration) =>
  Database.$match(database, {
    Memory: () => MemoryStorage.layer,
    Postgres: ({ url }) => postgres(url, settings, timeout),
    Sqlite: ({ filename }) =>
      Layer.unwrapEffect(
        Effect.map(MasterKey.read(settings), (masterKey) => SqliteStorage.layer({ filename, masterKey }))
      )
  })

/**
 * Opens a database for an issuer. Refuses a database that has keys of other issuers only: most likely the database or the
 * issuer is misspelt, and all rows would seem to be lost. `isNew` allows it.
 */
export const layerFor = (target: Configured & { readonly issuer: Issuer }, isNew: boolean) =>
  Layer.tap(layer(target), (context) =>
    Effect.gen(function* () {
      const { database, issuer } = target
      const issuers = yield* Context.get(context, Storage).issuers
      if (isNew || issuers.length === 0 || issuers.includes(issuer)) return
      return yield* impossible(
        `${format(database)} is the database of ${issuers.join(", ")}, not of ${issuer}: give that --issuer, or another --database; to serve ${issuer} from it as well, run serve --new-issuer`
      )
    })
  )

/** Loads the driver only if it is used. */
const postgres = (url: Redacted.Redacted, settings: Settings.Settings, timeout?: Duration.Duration) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const masterKey = yield* MasterKey.read(settings)
      if (masterKey === undefined) {
        return yield* badUsage(
          `${Setting.variableOf(Settings.named("masterKey"))} is not set: with PostgreSQL every server needs the same 32 bytes in base64url`
        )
      }
      const PostgresStorage = yield* Effect.promise(() => import("../../layers/PostgresStorage.js"))
      return PostgresStorage.layer({
        url,
        masterKey,
        schema: settings.databaseSchema,
        maxConnections: settings.databaseConnections,
        timeout: timeout ?? settings.databaseTimeout
      })
    })
  )
