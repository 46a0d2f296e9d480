/** Where root keys lie, sealed under the master key, which lies elsewhere. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"

/** Names one root key for ever: 48 random bits, base64url. */
export const KeyId = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{8}$/), Schema.brand("KeyId"))
export type KeyId = typeof KeyId.Type

/** A root key as it is stored. */
export interface StoredKey {
  readonly id: KeyId
  readonly sealed: string
  readonly createdAt: DateTime.Utc
}

export class KeyStore extends Context.Tag("latchkey/KeyStore")<
  KeyStore,
  {
    /** All keys, the oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<StoredKey>, TemporarilyUnavailable>
    /** Keep a key if there is none. Of any number of callers, ever, at most one key is kept this way. */
    readonly insertFirst: (key: StoredKey) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}
