/**
 * The root keys, opened: the current one seals, every one opens what was sealed under it.
 *
 * A key lies in the `KeyStore` sealed under the master key; the first is made when there is none.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../domain/Base64Url.js"
import { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { deriveKey, randomBytes } from "./Crypto.js"
import { KeyId, KeyState, KeyStore, type StoredKey } from "./KeyStore.js"
import { ServerSettings } from "./ServerSettings.js"
import { Storage } from "./Storage.js"
import * as Xaes256Gcm from "./Xaes256Gcm.js"

/** The database was made under another master key: nothing in it can be opened. */
export class WrongMasterKey extends Data.TaggedError("WrongMasterKey")<{}> {
  override get message() {
    return "the master key does not open the keys in this database: it is another installation's, or has been replaced"
  }
}

/** A root key, in memory only. */
export interface RootKey {
  readonly id: KeyId
  readonly bytes: Redacted.Redacted<Uint8Array>
}

/** A key as it was when the store was last read. */
interface OpenKey extends RootKey {
  readonly state: KeyState
}

export class Keyring extends Context.Tag("latchkey/Keyring")<
  Keyring,
  {
    /** The key that seals. */
    readonly current: Effect.Effect<RootKey>
    /**
     * The key of this id. One that is not known here may have been made elsewhere a moment ago: the store is read again,
     * at most once a second and by one reader at a time. When it cannot be read the answer is an error, never `None`.
     */
    readonly find: (id: KeyId) => Effect.Effect<Option.Option<RootKey>, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const store = yield* KeyStore
  const { masterKey } = yield* Storage
  const { issuer } = yield* ServerSettings
  const wrappingKey = Xaes256Gcm.importKey(deriveKey(Redacted.value(masterKey), JSON.stringify(["key", issuer])))
  const additionalData = (id: KeyId) => new TextEncoder().encode(JSON.stringify(["key", id, issuer]))

  const create: Effect.Effect<StoredKey> = Effect.gen(function* () {
    const id = KeyId.make(Base64Url.encode(yield* randomBytes(6)))
    const sealed = Xaes256Gcm.seal(
      wrappingKey,
      yield* randomBytes(Xaes256Gcm.nonceLength),
      yield* randomBytes(Xaes256Gcm.keyLength),
      additionalData(id)
    )
    return { id, sealed: Base64Url.encode(sealed), createdAt: yield* DateTime.now, state: KeyState.Current() }
  })

  const open = (stored: StoredKey): Effect.Effect<OpenKey, WrongMasterKey> =>
    Base64Url.decode(stored.sealed).pipe(
      Option.flatMap((sealed) => Xaes256Gcm.open(wrappingKey, sealed, additionalData(stored.id))),
      Option.match({
        onNone: () => Effect.fail(new WrongMasterKey()),
        onSome: (bytes) => Effect.succeed({ id: stored.id, bytes: Redacted.make(bytes), state: stored.state })
      })
    )

  const read = Effect.flatMap(store.list, Effect.forEach(open))

  if ((yield* store.list).length === 0) yield* Effect.flatMap(create, store.insertFirst)
  let keys: ReadonlyArray<OpenKey> = yield* read
  let lastReadAt = yield* Clock.currentTimeMillis
  const oneReader = yield* Effect.makeSemaphore(1)

  const known = (id: KeyId) => Option.fromNullable(keys.find((key) => key.id === id))

  const readAgain = (id: KeyId) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (Option.isSome(known(id)) || now - lastReadAt < 1000) return known(id)
      keys = yield* Effect.catchTag(
        read,
        "WrongMasterKey",
        (cause) => new TemporarilyUnavailable({ reason: "KeysUnavailable", description: "try again later", cause })
      )
      lastReadAt = now
      return known(id)
    }).pipe(oneReader.withPermits(1))

  return Keyring.of({
    current: Effect.suspend(() => Effect.fromNullable(keys.find(({ state }) => state._tag === "Current"))).pipe(
      Effect.orDie
    ),
    find: (id) => {
      const key = known(id)
      return Option.isSome(key) ? Effect.succeed(key) : readAgain(id)
    }
  })
})

/** Reads the keys of this issuer, and makes the first; fails when the master key does not open them. */
export const layer = Layer.effect(Keyring, make)
