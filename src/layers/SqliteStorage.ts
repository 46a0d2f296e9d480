/**
 * Storage in one SQLite file: the embedded default. What was answered outlives a crash and a power failure.
 *
 * @example
 * const Auth = AuthLayer.layer({ issuer: "https://notes.example.com", resources: [] }).pipe(
 *   Layer.provide(SqliteStorage.layer({ filename: "auth.db" }))
 * )
 */
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { Storage, standalone } from "../services/stores/Storage.js"
import * as MasterKeyFile from "./files/MasterKeyFile.js"
import type { StorageOpenError } from "./sql/StorageOpenError.js"
import * as SqliteClient from "./sql/sqlite/SqliteClient.js"
import * as SqliteFile from "./sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "./sql/sqlite/SqliteMigrator.js"
import * as SqlStores from "./sql/stores/SqlStores.js"
import * as WriteHealth from "./sql/WriteHealth.js"
import * as WriteProbe from "./sql/WriteProbe.js"

export interface Options {
  /** The path of the database; it is made, for its owner only, when there is none. */
  readonly filename: string
  /** 32 bytes. Without it the key lies in `${filename}.key`, which is made at the first start. */
  readonly masterKey?: Redacted.Redacted<Uint8Array> | undefined
}

const make = ({ filename, masterKey }: Options) =>
  Effect.gen(function* () {
    const given = masterKey === undefined ? undefined : yield* MasterKeyFile.checked(masterKey)
    const path = yield* SqliteFile.prepare(filename)
    yield* SqliteMigrator.run(path)
    const client = yield* Effect.mapError(SqliteClient.open(path), ({ cause }) => SqliteFile.openError(path, cause))
    const health: WriteHealth.WriteHealth = WriteHealth.make(Effect.suspend(() => WriteProbe.ofSqlite(sql)))
    const sql = Object.assign(client, { onFailure: health.note })

    const holdsKeys = sql.unsafe("select 1 from root_keys limit 1").pipe(
      Effect.map((rows) => rows.length > 0),
      Effect.mapError(({ cause }) => SqliteFile.openError(path, cause))
    )
    return Storage.of({
      ...standalone,
      stores: (issuer) => SqlStores.make(sql, issuer),
      issuers: SqlStores.issuers(sql),
      check: health.check,
      outage: health.outage,
      masterKey: given ?? (yield* MasterKeyFile.readOrMake(`${path}.key`, holdsKeys))
    })
  })

/**
 * Opens the file, makes its tables or brings them up to date, and finds the master key. What cannot be used safely is
 * refused, and left as it was. When the scope ends, the writes that wait are finished and the file is closed.
 */
export const layer = (options: Options): Layer.Layer<Storage, StorageOpenError> => Layer.scoped(Storage, make(options))

/** Returns the same storage with options from configuration. `MasterKey.config` reads a key. */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<Storage, StorageOpenError | ConfigError> => Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))
