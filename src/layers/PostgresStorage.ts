/**
 * Storage in PostgreSQL: many nodes share one database and need nothing else to share.
 *
 * @example
 * import { Layer, Redacted } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as PostgresStorage from "latchkey/PostgresStorage"
 *
 * declare const masterKey: Redacted.Redacted<Uint8Array>
 * const url = Redacted.make("postgres://latchkey@db.example.com/latchkey")
 * const Auth = AuthLayer.layer({ issuer: "https://notes.example.com", resources: [] }).pipe(
 *   Layer.provide(PostgresStorage.layer({ url, masterKey }))
 * )
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { RateLimiter } from "../services/RateLimiter.js"
import { GrantStore } from "../services/stores/GrantStore.js"
import { Storage } from "../services/stores/Storage.js"
import * as MasterKeyFile from "./files/MasterKeyFile.js"
import type { StorageOpenError } from "./files/StorageOpenError.js"
import * as PostgresAddress from "./sql/postgres/PostgresAddress.js"
import * as PostgresClient from "./sql/postgres/PostgresClient.js"
import * as PostgresMigrator from "./sql/postgres/PostgresMigrator.js"
import type { PostgresOptions } from "./sql/postgres/PostgresOptions.js"
import * as PostgresPool from "./sql/postgres/PostgresPool.js"
import * as PostgresRetry from "./sql/postgres/PostgresRetry.js"
import * as SqlRow from "./sql/SqlRow.js"
import * as SqlStatement from "./sql/SqlStatement.js"
import * as SqlRateLimiter from "./sql/stores/SqlRateLimiter.js"
import * as SqlStores from "./sql/stores/SqlStores.js"
import * as WriteHealth from "./sql/WriteHealth.js"
import * as WriteProbe from "./sql/WriteProbe.js"

export interface Options extends PostgresOptions {
  /** 32 bytes, the same on every node. They decrypt the root keys and are not stored in the database. */
  readonly masterKey: Redacted.Redacted<Uint8Array>
}

const readMillis = SqlRow.reader("the clock", Schema.Struct({ millis: Schema.Number }))

const databaseClock = (sql: SqlClient) =>
  SqlStatement.runner(sql)(
    sql.unsafe("select cast(1000 * extract(epoch from clock_timestamp()) as double precision) as millis")
  ).pipe(
    Effect.flatMap(([row]) => readMillis(row)),
    Effect.map(({ millis }) => millis)
  )

const make = (options: Options) =>
  Effect.gen(function* () {
    const masterKey = yield* MasterKeyFile.checked(options.masterKey)
    const pool = yield* PostgresPool.make(options)
    const label = PostgresAddress.label(Redacted.value(options.url)) ?? ""
    yield* PostgresMigrator.run(pool, label, options.schema ?? PostgresAddress.standardSchema)
    const client = yield* Effect.mapError(PostgresClient.make(pool), ({ cause }) =>
      PostgresMigrator.openError(label, cause)
    )
    const health: WriteHealth.WriteHealth = WriteHealth.make(Effect.suspend(() => WriteProbe.ofPostgres(sql)))
    const sql = Object.assign(client, { onFailure: health.note })
    return Context.make(Storage, {
      stores: (issuer) => {
        const stores = SqlStores.make(sql, issuer)
        return Context.add(stores, GrantStore, PostgresRetry.grants(Context.get(stores, GrantStore)))
      },
      issuers: SqlStores.issuers(sql),
      clock: databaseClock(sql),
      check: health.check,
      outage: health.outage,
      // A deletion locks only the deleted rows, and the event loop continues.
      batchSize: 500,
      // A number that all nodes share would take a round trip, as the row of the token does.
      revision: () => undefined,
      masterKey
    }).pipe(Context.add(RateLimiter, yield* SqlRateLimiter.make(sql)))
  })

/**
 * Connects, runs the migrations, and counts requests for all nodes together. An app that provides its own `RateLimiter` uses
 * that one. When the scope ends, the connections are closed.
 */
export const layer = (options: Options): Layer.Layer<Storage | RateLimiter, StorageOpenError> =>
  Layer.scopedContext(make(options))

/** Returns the same storage with options from configuration. `MasterKey.config` reads a key. */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<Storage | RateLimiter, StorageOpenError | ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))
