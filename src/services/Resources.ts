/**
 * The protected resources of this server: those of its settings, and those that its operator made beside it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import type { Resource } from "../domain/Resource.js"
import { ResourceStore } from "./ResourceStore.js"
import { ServerSettings } from "./ServerSettings.js"

export class Resources extends Context.Tag("latchkey/Resources")<
  Resources,
  {
    /** All of them now; what the operator changes is seen within a second. */
    readonly all: Effect.Effect<ReadonlyArray<Resource>, TemporarilyUnavailable>
  }
>() {}

/** How long a reading of the store is good for, in milliseconds. */
const freshFor = 1000

const make = Effect.gen(function* () {
  const store = yield* ResourceStore
  const { resources: configured } = yield* ServerSettings
  let known: ReadonlyArray<Resource> = configured
  let readAt = Number.NEGATIVE_INFINITY
  return Resources.of({
    all: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (now - readAt < freshFor) return known
      const stored = yield* store.list
      const names = new Set(configured.map(({ uri }) => uri))
      known = [...configured, ...stored.filter(({ uri }) => !names.has(uri))]
      readAt = now
      return known
    })
  })
})

export const layer = Layer.effect(Resources, make)
