/** Where root keys lie, sealed under the master key, which lies elsewhere. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Names one root key for ever: 48 random bits, base64url. */
export const KeyId = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{8}$/), Schema.brand("KeyId"))
export type KeyId = typeof KeyId.Type

/** The life of a key: published, then sealing, then only opening; or replaced at once, when it leaked. */
export type KeyState = Data.TaggedEnum<{
  /** Nodes learn of it; it seals nothing yet. */
  Next: {}
  Current: {}
  /** It opens what it sealed, until nothing of it can live any more. */
  Retired: { readonly at: DateTime.Utc }
  /** It leaked: it opens the chain keys that lie in the database, until they lie under another, and nothing else. */
  Replaced: { readonly at: DateTime.Utc }
}>
export const KeyState = Data.taggedEnum<KeyState>()

/** When a key ceased to seal; `None` while it seals, or is yet to. */
export const endOf: (state: KeyState) => Option.Option<DateTime.Utc> = KeyState.$match({
  Next: () => Option.none(),
  Current: () => Option.none(),
  Retired: ({ at }) => Option.some(at),
  Replaced: ({ at }) => Option.some(at)
})

/** A root key as it is stored. */
export interface StoredKey {
  readonly id: KeyId
  readonly sealed: string
  readonly createdAt: DateTime.Utc
  readonly state: KeyState
}

export class KeyStore extends Context.Tag("latchkey/KeyStore")<
  KeyStore,
  {
    /** All keys, the oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<StoredKey>, TemporarilyUnavailable>
    /** Keep a current key if there is none at all. Of any number of callers, ever, at most one key is kept this way. */
    readonly insertFirst: (key: StoredKey) => Effect.Effect<void, TemporarilyUnavailable>
    /**
     * Keep a next key. Of any number of callers exactly one sees `true` until that key is promoted, replaced or removed.
     */
    readonly insertNext: (key: StoredKey) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * The next key of this id becomes the current one, and the current one is retired, in one step. `true` for the one
     * caller whose call did it.
     */
    readonly promote: (id: KeyId, now: DateTime.Utc) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * The given key becomes the current one, and every other there is, in whatever state, is replaced, in one step. Of
     * any number of callers each does it, one after the other.
     */
    readonly replace: (key: StoredKey, now: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
    /** Forget a key: what it sealed opens no more. The current one is not forgotten: `false`. */
    readonly remove: (id: KeyId) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
