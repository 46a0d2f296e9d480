/**
 * The master key of a storage, from configuration.
 *
 * @example
 * import * as MasterKey from "latchkey/MasterKey"
 * import * as SqliteStorage from "latchkey/SqliteStorage"
 * import { Config } from "effect"
 *
 * export const Storage = SqliteStorage.layerConfig({
 *   filename: Config.string("DATABASE"),
 *   masterKey: MasterKey.config("MASTER_KEY")
 * })
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as MasterKeyFile from "./files/MasterKeyFile.js"

/** Returns a config for a key that is written as base64url of 32 bytes. Its error does not show the value. */
export const config = (name: string): Config.Config<Redacted.Redacted<Uint8Array>> =>
  Config.mapOrFail(
    Config.redacted(),
    (text) =>
      Either.fromOption(MasterKeyFile.fromText(Redacted.value(text)), () =>
        ConfigError.InvalidData([], `a master key is ${MasterKeyFile.length} bytes in base64url`)
      )
    // The error of a mapping names the variable only if the name is outside of it.
  ).pipe(Config.nested(name))
