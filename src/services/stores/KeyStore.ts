/** Stores root keys, encrypted by the master key, which is stored elsewhere. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

const idPattern = /^[A-Za-z0-9_-]{8}$/

/** The id of a root key, which no other key ever has: 48 random bits in base64url. */
export const KeyId = Schema.String.pipe(Schema.pattern(idPattern), Schema.brand("KeyId"))
export type KeyId = typeof KeyId.Type

/** Reads a key id; `None` for any other text. Every request with a token reads one, and a schema takes ten times as long. */
export const parseKeyId = (text: string): Option.Option<KeyId> =>
  idPattern.test(text) ? Option.some(KeyId.make(text, true)) : Option.none()

/** The life of a key: published, then encrypting, then only decrypting; or replaced at once, after it leaked. */
export type KeyState = Data.TaggedEnum<{
  /** Nodes read it, and it encrypts nothing yet. */
  Next: {}
  Current: {}
  /** It decrypts what it encrypted, until everything that it encrypted has expired. */
  Retired: { readonly at: DateTime.Utc }
  /** It leaked. It decrypts only the chain keys in the database, until another key has encrypted them again. */
  Replaced: { readonly at: DateTime.Utc }
}>
export const KeyState = Data.taggedEnum<KeyState>()

/** The time when a key stopped encrypting. `None` if it encrypts now or later. */
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
    /** Returns all keys, the oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<StoredKey>, TemporarilyUnavailable>
    /** Store a current key if there is no key. At most one of any number of callers, ever, stores its key. */
    readonly insertFirst: (key: StoredKey) => Effect.Effect<void, TemporarilyUnavailable>
    /**
     * Store a next key. Exactly one of any number of callers sees `true`, until that key is promoted, replaced or deleted.
     */
    readonly insertNext: (key: StoredKey) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Make the next key with this id the current key, and retire the current key, in one step. The one caller whose call did
     * it sees `true`.
     */
    readonly promote: (id: KeyId, now: DateTime.Utc) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Make the given key the current key, and replace every other key in any state, in one step. Concurrent callers each do
     * it, one after the other.
     */
    readonly replace: (key: StoredKey, now: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
    /** Delete a key. Its tokens cannot be decrypted afterwards. `false` for the current key, which is not deleted. */
    readonly remove: (id: KeyId) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
