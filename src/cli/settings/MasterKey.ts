/** The master key that a variable gives. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as MasterKeyFile from "../../layers/files/MasterKeyFile.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as MasterKeyName from "./MasterKeyName.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"
import * as Variables from "./Variables.js"

/** A master key, and the variable that gives it. */
interface GivenMasterKey {
  readonly variable: string
  readonly key: Redacted.Redacted<Uint8Array>
}

const keyVariable = Setting.variableOf(Settings.named("masterKey"))
const keyFileVariable = Setting.variableOf(Settings.named("masterKeyFile"))

/**
 * Returns the master key that a variable gives. Fails if neither variable is set but one with a similar name is: without
 * the key that the operator meant, the server would make a new key, and the right key could not decrypt its rows.
 */
export const given = ({
  masterKey,
  masterKeyFile
}: Settings.Settings): Effect.Effect<Option.Option<GivenMasterKey>, Failure> =>
  Effect.gen(function* () {
    if (masterKey !== undefined) {
      if (masterKeyFile !== undefined)
        return yield* badUsage(`${keyVariable} and ${keyFileVariable} are both set: unset one of them`)
      return Option.some({ variable: keyVariable, key: masterKey })
    }
    if (masterKeyFile !== undefined) {
      const read = MasterKeyFile.readGiven(masterKeyFile)
      const key = yield* Effect.mapError(read, ({ message }) => badUsage(`${keyFileVariable}: ${message}`))
      return Option.some({ variable: keyFileVariable, key })
    }
    const similar = Variables.unknown().find(MasterKeyName.isLikeMasterKey)
    if (similar === undefined) return Option.none()
    return yield* badUsage(
      `${similar} is not a setting: if it gives the master key, name it ${keyVariable}, or ${keyFileVariable} for the path of a file; otherwise unset it`
    )
  })

/** Returns the master key, or `undefined` if the key in the file next to the database is used. */
export const read = (settings: Settings.Settings): Effect.Effect<Redacted.Redacted<Uint8Array> | undefined, Failure> =>
  Effect.map(given(settings), (found) => Option.getOrUndefined(found)?.key)
