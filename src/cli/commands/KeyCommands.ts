/** `latchkey key`: the keys that encrypt tokens and forms. No command prints a key itself. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { KeyRotation } from "../../services/maintenance/KeyRotation.js"
import { endOf, KeyStore, type StoredKey } from "../../services/stores/KeyStore.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import { json } from "./CommandOptions.js"
import * as Listing from "./Listing.js"
import * as WithServices from "./WithServices.js"

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

export const list = WithServices.command(
  "list",
  "List the keys. The current key encrypts. The next key replaces it later. A retired key only decrypts older tokens. A replaced key has leaked, and the server refuses its tokens",
  { json },
  ({ json }, { issuer }) =>
    Effect.flatMap(KeyStore, ({ list }) =>
      Listing.print(json, Stream.fromIterableEffect(list), {
        toObject,
        toLine,
        empty: `there is no key yet at ${issuer}`
      })
    )
)

export const rotate = WithServices.command(
  "rotate",
  "Create the next key. A running server makes it the current key within minutes, and does the same by itself when the current key is old. All tokens stay valid",
  { json },
  ({ json }) =>
    Effect.gen(function* () {
      const published = yield* (yield* KeyRotation).publish
      if (Option.isNone(published)) return yield* impossible("there is a next key already: see latchkey key list")
      yield* Output.result(
        json,
        { id: published.value, state: "Next" },
        `The next key is ${published.value}. A running server makes it the current key within minutes. All tokens stay valid`
      )
    })
)

export const replace = WithServices.command(
  "replace",
  "Replace all keys at once, because one leaked. Access tokens, and login and consent pages that are open in a browser, become invalid within a second; refresh tokens and sessions stay valid",
  { json },
  ({ json }) =>
    Effect.gen(function* () {
      const id = yield* (yield* KeyRotation).replace
      yield* Output.result(
        json,
        { id, state: "Current" },
        [
          `The key ${id} replaces all other keys. Within a second, access tokens and open pages`,
          "are invalid for good: clients refresh, and users start their login or consent again.",
          "Refresh tokens and sessions stay valid"
        ].join("\n")
      )
    })
)
