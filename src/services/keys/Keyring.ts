/**
 * The root keys, opened: the current one seals, the others open texts that were sealed under them.
 *
 * The `KeyStore` holds each key sealed under the master key; the first key is made when there is none. A caller gets the
 * keys as they were in the store at most a second ago, so a key that another node publishes, promotes or replaces is used
 * here too, and no background fiber is needed.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { ServerSettings } from "../ServerSettings.js"
import { type KeyId, KeyState, KeyStore } from "../stores/KeyStore.js"
import { Storage } from "../stores/Storage.js"
import * as RootKeys from "./RootKeys.js"

/** The keys in the database are sealed under another master key, so nothing in it can be opened. */
export class WrongMasterKey extends Data.TaggedError("WrongMasterKey")<{}> {
  override get message() {
    return "the master key does not open the keys in this database: it belongs to another installation, or a key in the database was restored to an earlier state"
  }
}

/** A root key, opened. It is held in memory only. */
export interface RootKey {
  readonly id: KeyId
  readonly bytes: Redacted.Redacted<Uint8Array>
  readonly state: KeyState
}

export class Keyring extends Context.Tag("latchkey/Keyring")<
  Keyring,
  {
    /**
     * The key that seals. While the store cannot be read, it is the last one that was read. Fails when the keys in the
     * store are sealed under another master key than this process has (ADR 23).
     */
    readonly current: Effect.Effect<RootKey, TemporarilyUnavailable>
    /**
     * Returns the key of this id. An unknown id may be that of a key that another node made a moment ago: for it the store
     * is read once more, at most once a second. Fails, and never answers `None`, when the store cannot be read.
     */
    readonly find: (id: KeyId) => Effect.Effect<Option.Option<RootKey>, TemporarilyUnavailable>
    /** Returns the key of this id, without an effect; `undefined` if only `find` can tell. `now` is the time in milliseconds. */
    readonly peek: (id: KeyId, now: number) => RootKey | undefined
  }
>() {}

const unavailable = (cause: unknown) =>
  new TemporarilyUnavailable({ reason: "KeysUnavailable", description: "try again later", cause })

/** Maximum age of the keys that were read, and minimum interval between two searches for unknown ids, in milliseconds. */
const readingInterval = 1000

// `Effect.cachedWithTTL` takes a lock on each use, about 9 µs, and each request that opens or seals a token asks for a key.
// Here a use costs one look at the clock while the keys are fresh, and only a read of the store takes a lock.
const make = Effect.gen(function* () {
  const store = yield* KeyStore
  const { masterKey } = yield* Storage
  const { issuer } = yield* ServerSettings

  let keys: ReadonlyMap<KeyId, RootKey> = new Map()
  let readAt = yield* Clock.currentTimeMillis
  let searchedAt = Number.NEGATIVE_INFINITY
  let failure: Option.Option<TemporarilyUnavailable> = Option.none()

  const read = Effect.gen(function* () {
    const opened = new Map<KeyId, RootKey>()
    let isForeign = false
    for (const stored of yield* store.list) {
      const { id, state } = stored
      // An id names the same key for ever, so a key is opened once.
      const bytes = Option.orElse(Option.fromNullable(keys.get(id)?.bytes), () =>
        RootKeys.open({ issuer, masterKey }, stored)
      )
      if (Option.isSome(bytes)) opened.set(id, { id, bytes: bytes.value, state })
      else isForeign = true
    }
    // Drop deleted keys even if the remaining ones cannot be decrypted.
    keys = opened
    if (isForeign) return yield* new WrongMasterKey()
  })

  if ((yield* store.list).length === 0) {
    yield* Effect.flatMap(RootKeys.create({ issuer, masterKey }, KeyState.Current()), store.insertFirst)
  }
  yield* read

  const oneReader = yield* Effect.makeSemaphore(1)

  const isPast = (moment: number, now: number): boolean => Math.abs(now - moment) >= readingInterval

  /** Reads the store and notes whether that failed. After a failure the keys stay as they were for another interval. */
  const refresh = (now: number) =>
    read.pipe(
      Effect.catchTag("WrongMasterKey", unavailable),
      Effect.match({ onFailure: Option.some, onSuccess: () => Option.none() }),
      Effect.flatMap((outcome) =>
        Effect.sync(() => {
          failure = outcome
          readAt = now
        })
      )
    )

  /** Runs `read` if it is due. One of several concurrent callers reads, and the others wait for it. */
  const readIf = (isDue: (now: number) => boolean, read: (now: number) => Effect.Effect<void>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      isDue(now) ? oneReader.withPermits(1)(Effect.suspend(() => (isDue(now) ? read(now) : Effect.void))) : Effect.void
    )

  const keepFresh = readIf((now) => isPast(readAt, now), refresh)

  const search = readIf(
    (now) => readAt !== now && isPast(searchedAt, now),
    (now) => {
      searchedAt = now
      return refresh(now)
    }
  )

  const findCurrent = Effect.suspend(() => {
    const key = Array.from(keys.values()).find(({ state }) => state._tag === "Current")
    return key === undefined ? unavailable(undefined) : Effect.succeed(key)
  })

  const findOne = Effect.fnUntraced(function* (id: KeyId) {
    yield* keepFresh
    if (!keys.has(id)) yield* search
    const key = keys.get(id)
    if (key === undefined && Option.isSome(failure)) return yield* failure.value
    return Option.fromNullable(key)
  })

  const findFresh = Effect.zipRight(keepFresh, findCurrent)
  return Keyring.of({
    current: Effect.clockWith((clock) => (isPast(readAt, clock.unsafeCurrentTimeMillis()) ? findFresh : findCurrent)),
    find: findOne,
    peek: (id, now) => (isPast(readAt, now) ? undefined : keys.get(id))
  })
})

/** Reads the keys of this issuer, and makes the first one if there is none; fails when the master key does not open them. */
export const layer = Layer.effect(Keyring, make)
