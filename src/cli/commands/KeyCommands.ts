/** `latchkey key`: the keys that seal tokens and forms. What a key is, no command shows. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { KeyRotation } from "../../services/maintenance/KeyRotation.js"
import { endOf, KeyStore, type StoredKey } from "../../services/stores/KeyStore.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as WithServices from "./WithServices.js"

const options = {
  json: Options.boolean("json").pipe(Options.withDescription("Prints it as JSON.")),
  ...ServerOptions.forCommand
}

/** Since when a key is in its state: of one that is not past, since it was made. */
const sinceOf = ({ createdAt, state }: StoredKey): DateTime.Utc => Option.getOrElse(endOf(state), () => createdAt)

const toObject = (key: StoredKey) => ({
  id: key.id,
  state: key.state._tag,
  since: DateTime.formatIso(sinceOf(key)),
  created_at: DateTime.formatIso(key.createdAt)
})

export const list = Command.make("list", options, ({ json, ...given }) =>
  WithServices.onExisting(given, () =>
    Effect.gen(function* () {
      const keys = yield* (yield* KeyStore).list
      if (json) return yield* Output.print(Output.toJson(keys.map(toObject)))
      yield* Effect.forEach(keys, (key) =>
        Output.print(
          `${key.id}  ${key.state._tag.toLowerCase().padEnd(8)}  ${Option.isSome(endOf(key.state)) ? "since" : "made"} ${Output.instant(sinceOf(key))}`
        )
      )
    })
  )
).pipe(
  Command.withDescription(
    "Lists the keys: the one that seals (current), the one that will (next), those that only open what they sealed until it has ended (retired), and those that leaked (replaced)."
  )
)

export const rotate = Command.make("rotate", options, ({ json, ...given }) =>
  WithServices.onExisting(given, () =>
    Effect.gen(function* () {
      const published = yield* (yield* KeyRotation).publish
      if (Option.isNone(published)) return yield* impossible("there is a next key already: latchkey key list shows it")
      yield* Output.print(
        json
          ? Output.toJson({ id: published.value, state: "Next" })
          : `The key ${published.value} is published. The running server lets it take the place of the current one within minutes, and nobody notices`
      )
    })
  )
).pipe(
  Command.withDescription(
    "Publishes the key that is to seal next. A running server does so by itself when a key is old; everything issued before stays good."
  )
)

export const replace = Command.make("replace", options, ({ json, ...given }) =>
  WithServices.onExisting(given, () =>
    Effect.gen(function* () {
      const id = yield* (yield* KeyRotation).replace
      yield* Output.print(
        json
          ? Output.toJson({ id, state: "Current" })
          : [
              `The key ${id} has taken the place of every other. Within a second, and for good,`,
              "access tokens and open pages of before are refused: clients refresh, people begin their login or consent again.",
              "Refresh tokens and sessions go on"
            ].join("\n")
      )
    })
  )
).pipe(
  Command.withDescription(
    "Replaces all keys at once, because one leaked. Access tokens and open pages of before are dead within a second; refresh tokens and sessions go on."
  )
)
