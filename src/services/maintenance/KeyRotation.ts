/**
 * The life of root keys (design §3): one is published, takes the place of the current one when every node knows it, and
 * is removed when nothing sealed under it can live. One that leaked is replaced at once.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { EventKind } from "../../domain/Event.js"
import type * as Grant from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { Events } from "../events/Events.js"
import * as RootKeys from "../keys/RootKeys.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Batches from "../stores/Batches.js"
import { GrantStore } from "../stores/GrantStore.js"
import { endOf, type KeyId, KeyState, KeyStore, type StoredKey } from "../stores/KeyStore.js"
import * as RefreshChains from "../tokens/RefreshChain.js"

export class KeyRotation extends Context.Tag("latchkey/KeyRotation")<
  KeyRotation,
  {
    /** Publish the key that is to seal next; `None` where there is one already. `advance` promotes it. */
    readonly publish: Effect.Effect<Option.Option<KeyId>, TemporarilyUnavailable>
    /**
     * A new key takes the place of all others at once, because one leaked: access tokens and forms of before are dead on
     * every node within a second, and refresh tokens live on.
     */
    readonly replace: Effect.Effect<KeyId, TemporarilyUnavailable>
    /**
     * Whatever is due: a key is published or promoted, chain keys are sealed under the current one, and a past key is
     * removed once nothing sealed under it can live. For upkeep, which does it again and again: `more` says that chain
     * keys were left for the next time.
     */
    readonly advance: Effect.Effect<
      { readonly resealed: number; readonly keysRemoved: number; readonly more: boolean },
      TemporarilyUnavailable
    >
  }
>() {}

/** A next key is promoted when it has been published for longer than any node goes without reading the store. */
const published = Duration.minutes(1)

/** So long before its time is over the next key is published: upkeep passes once more until then. */
const ahead = Duration.minutes(15)

const make = Effect.gen(function* () {
  const store = yield* KeyStore
  const grants = yield* GrantStore
  const chains = yield* RefreshChains.RefreshChain
  const events = yield* Events
  const { lifetimes } = yield* ServerSettings
  const rootKeys = yield* RootKeys.make

  /** A form or an access token may have been sealed by a node that had not heard of the change. */
  const outlived = Duration.sum(Duration.max(lifetimes.accessToken, lifetimes.form), published)

  const tell = (keyId: KeyId, change: Extract<EventKind, { readonly _tag: "KeyRotated" }>["change"]) =>
    events.publish({ _tag: "KeyRotated", keyId, change })

  const publish = Effect.gen(function* () {
    const key = yield* rootKeys.create(KeyState.Next())
    if (!(yield* store.insertNext(key))) return Option.none()
    yield* tell(key.id, "Published")
    return Option.some(key.id)
  })

  const replace = Effect.gen(function* () {
    const before = yield* store.list
    const key = yield* rootKeys.create(KeyState.Current())
    yield* store.replace(key, yield* DateTime.now)
    for (const { id, state } of before) if (state._tag !== "Replaced") yield* tell(id, "Replaced")
    yield* tell(key.id, "Promoted")
    return key.id
  })

  const isOlder = (key: StoredKey, age: Duration.Duration, now: DateTime.Utc) =>
    Duration.greaterThanOrEqualTo(DateTime.distanceDuration(key.createdAt, DateTime.max(now, key.createdAt)), age)

  const succeed = Effect.fnUntraced(function* (keys: ReadonlyArray<StoredKey>, now: DateTime.Utc) {
    const next = keys.find(({ state }) => state._tag === "Next")
    if (next !== undefined) {
      if (isOlder(next, published, now) && (yield* store.promote(next.id, now))) yield* tell(next.id, "Promoted")
      return
    }
    const current = keys.find(({ state }) => state._tag === "Current")
    if (current !== undefined && isOlder(current, Duration.subtract(lifetimes.key, ahead), now)) yield* publish
  })

  /** Seals the grant's chain key under the current key, if it lies under another that opens it. */
  const reseal = Effect.fnUntraced(function* (grant: Grant.Refreshable) {
    const { key } = grant.chain.value
    const sealed = yield* chains.reseal(key)
    if (Option.isNone(sealed)) return false
    yield* grants.reseal(grant.terms.id, key, sealed.value)
    return true
  })

  /** Goes through the grants whose chain keys lie under a key, as many of them as upkeep does at a time. */
  const resealUnder = ({ id }: StoredKey) =>
    Batches.run<Grant.GrantId | undefined, TemporarilyUnavailable, never>(undefined, (limit, after) =>
      Effect.gen(function* () {
        const page = yield* grants.sealedUnder(RefreshChains.sealedUnder(id), {
          limit,
          ...(after === undefined ? {} : { after })
        })
        // At once, for a store that commits writes in groups.
        const resealed = yield* Effect.filter(page, reseal, { concurrency: "unbounded" })
        const next = page.length < limit ? undefined : page.at(-1)?.terms.id
        return { count: resealed.length, next: Option.fromNullable(next) }
      })
    )

  return KeyRotation.of({
    publish: publish.pipe(Effect.withSpan("KeyRotation.publish")),
    replace: replace.pipe(Effect.withSpan("KeyRotation.replace")),
    advance: Effect.gen(function* () {
      const now = yield* DateTime.now
      yield* succeed(yield* store.list, now)
      const past = (yield* store.list).filter(({ state }) => Option.isSome(endOf(state)))
      const isOver = DateTime.lessThanOrEqualTo(DateTime.subtractDuration(now, outlived))
      const did = { resealed: 0, keysRemoved: 0, more: false }
      for (const key of past) {
        const { count, next } = yield* resealUnder(key)
        did.resealed += count
        did.more ||= Option.isSome(next)
        // Only when none was found under it, after the last node had heard that it is past, is a key not needed any more.
        const isNeeded = count > 0 || Option.isSome(next) || !Option.exists(endOf(key.state), isOver)
        if (isNeeded || !(yield* store.remove(key.id))) continue
        did.keysRemoved++
        yield* tell(key.id, "Removed")
      }
      return did
    }).pipe(Effect.withSpan("KeyRotation.advance"))
  })
})

export const layer = Layer.effect(KeyRotation, make)
