import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { Issuer } from "../../../src/domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as Resources from "../../../src/services/resources/Resources.js"
import { ResourceStore } from "../../../src/services/stores/ResourceStore.js"
import { settings } from "../settings.js"

const down = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later", cause: "down" })

/** The resources over a store that counts its reads and can be down. */
const counted = Effect.gen(function* () {
  const store = { reads: 0, isDown: false }
  const list = Effect.suspend(() => {
    store.reads++
    return store.isDown ? down : Effect.as(Effect.yieldNow(), [])
  })
  const context = yield* Layer.build(
    Resources.layer.pipe(
      Layer.provide(Layer.merge(Layer.mock(ResourceStore, { list }), settings(Issuer.make("https://auth.example.com"))))
    )
  )
  return { store, all: Context.get(context, Resources.Resources).all }
})

it.scoped("concurrent requests read the store once", () =>
  Effect.gen(function* () {
    const { all, store } = yield* counted
    yield* Effect.all(
      Array.from({ length: 50 }, () => all),
      { concurrency: "unbounded" }
    )
    expect(store.reads).toBe(1)
  })
)

it.scoped("the list is read again after a tenth of a second, and not before", () =>
  Effect.gen(function* () {
    const { all, store } = yield* counted
    yield* all
    yield* TestClock.adjust("99 millis")
    yield* all
    expect(store.reads).toBe(1)
    yield* TestClock.adjust("1 millis")
    yield* all
    expect(store.reads).toBe(2)
  })
)

it.scoped("a failure of the store is not cached", () =>
  Effect.gen(function* () {
    const { all, store } = yield* counted
    store.isDown = true
    expect(Exit.isFailure(yield* Effect.exit(all))).toBe(true)
    store.isDown = false
    expect(yield* all).toEqual([])
  })
)
