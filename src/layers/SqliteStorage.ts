/**
 * Storage in one SQLite file: the embedded default. An acknowledged write survives a crash and a power failure.
 *
 * @example
 * import { Layer } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as SqliteStorage from "latchkey/SqliteStorage"
 *
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
import type { StorageOpenError } from "./files/StorageOpenError.js"
import * as SqliteClient from "./sql/sqlite/SqliteClient.js"
import * as SqliteFile from "./sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "./sql/sqlite/SqliteMigrator.js"
import * as SqlStores from "./sql/stores/SqlStores.js"
import * as WriteHealth from "./sql/WriteHealth.js"
import * as WriteProbe from "./sql/WriteProbe.js"

export interface Options {
  /** The path of the database. The file is created if it does not exist, readable for its owner only. */
  readonly filename: string
  /** 32 bytes. Default: the key in `${filename}.key`, which the first start creates. */
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
      revision: client.revision,
      stores: (issuer) => SqlStores.make(sql, issuer),
      issuers: SqlStores.issuers(sql),
      check: health.check,
      outage: health.outage,
      masterKey: given ?? (yield* MasterKeyFile.readOrMake(`${path}.key`, holdsKeys))
    })
  })

/**
 * Opens the file, runs the migrations, and reads the master key. A file that cannot be used safely is refused and not changed.
 * When the scope ends, the waiting writes are completed and the file is closed.
 */
export const layer = (options: Options): Layer.Layer<Storage, StorageOpenError> => Layer.scoped(Storage, make(options))

/** Returns the same storage with options from configuration. `MasterKey.config` reads a key. */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<Storage, StorageOpenError | ConfigError> => Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))
