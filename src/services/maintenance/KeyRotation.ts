/**
 * Rotates root keys (design §3). A new key is published first, is promoted when every node knows it, and is removed when no
 * text sealed under it can still be valid. A key that leaked is replaced at once.
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
import * as Paging from "../stores/Paging.js"
import { Storage } from "../stores/Storage.js"
import * as RefreshChains from "../tokens/RefreshChain.js"

export class KeyRotation extends Context.Tag("latchkey/KeyRotation")<
  KeyRotation,
  {
    /** Publishes the next key and returns its id; `None` if there is a next key already. `advance` promotes it. */
    readonly publish: Effect.Effect<Option.Option<KeyId>, TemporarilyUnavailable>
    /**
     * Replaces all keys by a new one at once, because one leaked. Every node refuses older access tokens and forms within a
     * second. Refresh tokens stay valid.
     */
    readonly replace: Effect.Effect<KeyId, TemporarilyUnavailable>
    /**
     * Does what is due: publishes or promotes a key, seals chain keys under the current key, and removes a retired or
     * replaced key once no text sealed under it can be valid. Maintenance calls it in each pass. `more` says that chain
     * keys remain for the next call.
     */
    readonly advance: Effect.Effect<
      { readonly resealed: number; readonly keysRemoved: number; readonly more: boolean },
      TemporarilyUnavailable
    >
  }
>() {}

/** Time from the publication of a key to its promotion: longer than any node goes without reading the store. */
const publishedFor = Duration.minutes(1)

/** Publish the next key this long before the current one expires (one maintenance pass). */
const ahead = Duration.minutes(15)

const make = Effect.gen(function* () {
  const store = yield* KeyStore
  const grants = yield* GrantStore
  const chains = yield* RefreshChains.RefreshChain
  const events = yield* Events
  const { masterKey } = yield* Storage
  const { issuer, lifetimes } = yield* ServerSettings

  /**
   * Time for which a key stays after its end. A node that did not yet know of the change may have sealed a form or an access
   * token under it, and that text must be able to live its whole life.
   */
  const keptFor = Duration.sum(Duration.max(lifetimes.accessToken, lifetimes.form), publishedFor)

  const publishEvent = (keyId: KeyId, change: Extract<EventKind, { readonly _tag: "KeyRotated" }>["change"]) =>
    events.publish({ _tag: "KeyRotated", keyId, change })

  const publish = Effect.gen(function* () {
    const key = yield* RootKeys.create({ issuer, masterKey }, KeyState.Next())
    if (!(yield* store.insertNext(key))) return Option.none()
    yield* publishEvent(key.id, "Published")
    return Option.some(key.id)
  })

  const replace = Effect.gen(function* () {
    const before = yield* store.list
    const key = yield* RootKeys.create({ issuer, masterKey }, KeyState.Current())
    yield* store.replace(key, yield* DateTime.now)
    for (const { id, state } of before) if (state._tag !== "Replaced") yield* publishEvent(id, "Replaced")
    yield* publishEvent(key.id, "Promoted")
    return key.id
  })

  const isOlder = (key: StoredKey, age: Duration.Duration, now: DateTime.Utc) =>
    Duration.greaterThanOrEqualTo(DateTime.distanceDuration(key.createdAt, DateTime.max(now, key.createdAt)), age)

  /** Promotes the next key, or publishes one, if it is time. */
  const promoteOrPublish = Effect.fnUntraced(function* (keys: ReadonlyArray<StoredKey>, now: DateTime.Utc) {
    const next = keys.find(({ state }) => state._tag === "Next")
    if (next !== undefined) {
      if (isOlder(next, publishedFor, now) && (yield* store.promote(next.id, now)))
        yield* publishEvent(next.id, "Promoted")
      return
    }
    const current = keys.find(({ state }) => state._tag === "Current")
    if (current !== undefined && isOlder(current, Duration.subtract(lifetimes.key, ahead), now)) yield* publish
  })

  /** Seals the grant's chain key under the current key; `false` if it is sealed so already, or does not open. */
  const reseal = Effect.fnUntraced(function* (grant: Grant.Refreshable) {
    const { key } = grant.chain.value
    const sealed = yield* chains.reseal(key)
    if (Option.isNone(sealed)) return false
    yield* grants.reseal(grant.terms.id, key, sealed.value)
    return true
  })

  /** Reseals the chain keys that are sealed under a key, in batches, up to the maximum of one maintenance pass. */
  const resealUnder = ({ id }: StoredKey) =>
    Batches.run<Grant.GrantId | undefined, TemporarilyUnavailable, never>(undefined, (limit, after) =>
      Effect.gen(function* () {
        const page = yield* grants.sealedUnder(RefreshChains.sealedUnder(id), {
          limit,
          ...(after === undefined ? {} : { after })
        })
        // All concurrently, for a store that commits writes in groups.
        const resealed = yield* Effect.filter(page, reseal, { concurrency: "unbounded" })
        const next = Option.getOrUndefined(Paging.next(page, limit))?.terms.id
        return { count: resealed.length, next: Option.fromNullable(next) }
      })
    )

  return KeyRotation.of({
    publish: publish.pipe(Effect.withSpan("KeyRotation.publish")),
    replace: replace.pipe(Effect.withSpan("KeyRotation.replace")),
    advance: Effect.gen(function* () {
      const now = yield* DateTime.now
      yield* promoteOrPublish(yield* store.list, now)
      const ended = (yield* store.list).filter(({ state }) => Option.isSome(endOf(state)))
      const isOver = DateTime.lessThanOrEqualTo(DateTime.subtractDuration(now, keptFor))
      const done = { resealed: 0, keysRemoved: 0, more: false }
      for (const key of ended) {
        const { count, next } = yield* resealUnder(key)
        done.resealed += count
        done.more ||= Option.isSome(next)
        // A key is removed only if no chain key is sealed under it, after the last node learned that it has ended.
        const isNeeded = count > 0 || Option.isSome(next) || !Option.exists(endOf(key.state), isOver)
        if (isNeeded || !(yield* store.remove(key.id))) continue
        done.keysRemoved++
        yield* publishEvent(key.id, "Removed")
      }
      return done
    }).pipe(Effect.withSpan("KeyRotation.advance"))
  })
})

export const layer = Layer.effect(KeyRotation, make)
