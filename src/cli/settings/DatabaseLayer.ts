/** Opens the database of a server with the settings, for one issuer or for all. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { Issuer } from "../../domain/Issuer.js"
import * as MemoryStorage from "../../layers/MemoryStorage.js"
import * as SqliteStorage from "../../layers/SqliteStorage.js"
import { Storage } from "../../services/stores/Storage.js"
import { badUsage, impossible } from "../terminal/Failure.js"
import * as Database from "./Database.js"
import * as MasterKey from "./MasterKey.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"

/**
 * Opens a database with the master key of the environment, if there is one. `timeout` replaces the setting for a command
 * whose statements take longer than those of a server.
 */
export const layer = ({ database, settings }: Database.Configured, timeout?: Duration.Duration) =>
  Database.Database.$match(database, {
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
export const layerFor = (target: Database.Configured & { readonly issuer: Issuer }, isNew: boolean) =>
  Layer.tap(layer(target), (context) =>
    Effect.gen(function* () {
      const { database, issuer } = target
      const issuers = yield* Context.get(context, Storage).issuers
      if (isNew || issuers.length === 0 || issuers.includes(issuer)) return
      return yield* impossible(
        `${Database.format(database)} is the database of ${issuers.join(", ")}, not of ${issuer}: give that --issuer, or another --database; to serve ${issuer} from it as well, run serve --new-issuer`
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
