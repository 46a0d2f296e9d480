/** `latchkey key`: the keys that encrypt tokens and forms. No command prints a key itself. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { KeyRotation } from "../../services/maintenance/KeyRotation.js"
import { endOf, KeyStore, type StoredKey } from "../../services/stores/KeyStore.js"
import * as Target from "../settings/Target.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as WithServices from "./WithServices.js"

const options = {
  json: Options.boolean("json").pipe(Options.withDescription("Print JSON")),
  ...Target.forCommand
}

/** Returns when a key ended, or when it was made if it has not ended. */
const sinceOf = ({ createdAt, state }: StoredKey): DateTime.Utc => Option.getOrElse(endOf(state), () => createdAt)

const toObject = (key: StoredKey) => ({
  id: key.id,
  state: key.state._tag,
  since: DateTime.formatIso(sinceOf(key)),
  created_at: DateTime.formatIso(key.createdAt)
})

const toLine = (key: StoredKey): string =>
  `${key.id}  ${key.state._tag.toLowerCase().padEnd(8)}  ${Option.isSome(endOf(key.state)) ? "since" : "made"} ${Output.instant(sinceOf(key))}`

export const list = Command.make("list", options, ({ json, ...flags }) =>
  WithServices.onExisting(flags, () =>
    Effect.gen(function* () {
      const keys = yield* (yield* KeyStore).list
      if (json) return yield* Output.print(Output.toJson(keys.map(toObject)))
      yield* Effect.forEach(keys, (key) => Output.print(toLine(key)))
    })
  )
).pipe(
  Command.withDescription(
    "List the keys. The current key encrypts, the next one will replace it, a retired key only decrypts older tokens, and a replaced key leaked and is refused"
  )
)

export const rotate = Command.make("rotate", options, ({ json, ...flags }) =>
  WithServices.onExisting(flags, () =>
    Effect.gen(function* () {
      const published = yield* (yield* KeyRotation).publish
      if (Option.isNone(published)) return yield* impossible("there is a next key already: see latchkey key list")
      yield* Output.print(
        json
          ? Output.toJson({ id: published.value, state: "Next" })
          : `The next key is ${published.value}. A running server makes it the current key within minutes. All tokens stay valid`
      )
    })
  )
).pipe(
  Command.withDescription(
    "Make the next key. A running server makes one itself when the current key is old. All tokens stay valid"
  )
)

export const replace = Command.make("replace", options, ({ json, ...flags }) =>
  WithServices.onExisting(flags, () =>
    Effect.gen(function* () {
      const id = yield* (yield* KeyRotation).replace
      yield* Output.print(
        json
          ? Output.toJson({ id, state: "Current" })
          : [
              `The key ${id} replaces all other keys. Within a second, access tokens and open pages`,
              "are invalid for good: clients refresh, and users start their login or consent again.",
              "Refresh tokens and sessions stay valid"
            ].join("\n")
      )
    })
  )
).pipe(
  Command.withDescription(
    "Replace all keys at once, because one leaked. Access tokens and open pages become invalid within a second; refresh tokens and sessions stay valid"
  )
)
