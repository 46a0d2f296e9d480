/**
 * The root keys, opened: the current one seals, the others open what was sealed under them.
 *
 * A key lies in the `KeyStore` sealed under the master key; the first is made when there is none. Whoever uses a key finds
 * the keys as they were in the store a second ago at most, so what another node published, promoted or replaced is so
 * here too, and it takes no fiber that watches.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { type KeyId, KeyState, KeyStore } from "../stores/KeyStore.js"
import * as RootKeys from "./RootKeys.js"

/** The database was made under another master key: nothing in it can be opened. */
export class WrongMasterKey extends Data.TaggedError("WrongMasterKey")<{}> {
  override get message() {
    return "the master key does not open the keys in this database: it is another installation's, or one of them was put back to an earlier time"
  }
}

/** A root key, in memory only, as it was when the store was last read. */
export interface RootKey {
  readonly id: KeyId
  readonly bytes: Redacted.Redacted<Uint8Array>
  readonly state: KeyState
}

export class Keyring extends Context.Tag("latchkey/Keyring")<
  Keyring,
  {
    /**
     * The key that seals. While the store cannot be read it is the one that was, for whatever can still be done; an error
     * when the keys in the store are of another master key than this process has (ADR 23).
     */
    readonly current: Effect.Effect<RootKey, TemporarilyUnavailable>
    /**
     * The key of this id. One that is not known here may have been made elsewhere a moment ago: for such the store is read
     * once more, at most once a second. When it cannot be read the answer is an error, never `None`.
     */
    readonly find: (id: KeyId) => Effect.Effect<Option.Option<RootKey>, TemporarilyUnavailable>
  }
>() {}

const unavailable = (cause: unknown) =>
  new TemporarilyUnavailable({ reason: "KeysUnavailable", description: "try again later", cause })

/** How long what was read of the store is good. */
const readingInterval = 1000

const make = Effect.gen(function* () {
  const store = yield* KeyStore
  const rootKeys = yield* RootKeys.make

  let keys: ReadonlyMap<KeyId, RootKey> = new Map()
  let readAt = yield* Clock.currentTimeMillis
  let searchedAt = Number.NEGATIVE_INFINITY
  let failure: Option.Option<TemporarilyUnavailable> = Option.none()

  const read = Effect.gen(function* () {
    const opened = new Map<KeyId, RootKey>()
    let isForeign = false
    for (const stored of yield* store.list) {
      const { id, state } = stored
      // An id names one key for ever: what was opened need not be opened again.
      const bytes = Option.orElse(Option.fromNullable(keys.get(id)?.bytes), () => rootKeys.open(stored))
      if (Option.isSome(bytes)) opened.set(id, { id, bytes: bytes.value, state })
      else isForeign = true
    }
    // What is there no more is not used any more either, even where this process may not use what is there instead.
    keys = opened
    if (isForeign) return yield* new WrongMasterKey()
  })

  if ((yield* store.list).length === 0) {
    yield* Effect.flatMap(rootKeys.create(KeyState.Current()), store.insertFirst)
  }
  yield* read

  const oneReader = yield* Effect.makeSemaphore(1)

  const isPast = (moment: number, now: number): boolean => Math.abs(now - moment) >= readingInterval

  const readAgain = (now: number) =>
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

  /** Reads the store if it is time to, and waits for whoever does it already. */
  const readIf = (isDue: (now: number) => boolean, read: (now: number) => Effect.Effect<void>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      isDue(now) ? oneReader.withPermits(1)(Effect.suspend(() => (isDue(now) ? read(now) : Effect.void))) : Effect.void
    )

  const keepUp = readIf((now) => isPast(readAt, now), readAgain)

  const search = readIf(
    (now) => readAt !== now && isPast(searchedAt, now),
    (now) => {
      searchedAt = now
      return readAgain(now)
    }
  )

  return Keyring.of({
    current: Effect.zipRight(
      keepUp,
      Effect.suspend(() =>
        Effect.fromNullable(Array.from(keys.values()).find(({ state }) => state._tag === "Current"))
      ).pipe(Effect.catchTag("NoSuchElementException", unavailable))
    ),
    find: Effect.fnUntraced(function* (id) {
      yield* keepUp
      if (!keys.has(id)) yield* search
      const key = keys.get(id)
      if (key === undefined && Option.isSome(failure)) return yield* failure.value
      return Option.fromNullable(key)
    })
  })
})

/** Reads the keys of this issuer, and makes the first; fails when the master key does not open them. */
export const layer = Layer.effect(Keyring, make)
