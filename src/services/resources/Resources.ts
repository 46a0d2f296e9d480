/**
 * The protected resources of this server: those of its settings, those that its operator made beside it, and its own.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { type Own, offered, type Resource, type ResourceIndicator, scope } from "../../domain/Resource.js"
import type * as Scope from "../../domain/Scope.js"
import { ServerSettings } from "../ServerSettings.js"
import { ResourceStore } from "../stores/ResourceStore.js"

export class Resources extends Context.Tag("latchkey/Resources")<
  Resources,
  {
    /** All of them now, the server's own too; what the operator changes is seen within a second. */
    readonly all: Effect.Effect<ReadonlyArray<Resource>, TemporarilyUnavailable>
    /**
     * The scope that one resource offers now; empty where there is no such resource. Reads no store for a resource of the
     * settings or of the server's own.
     */
    readonly offered: (uri: ResourceIndicator) => Effect.Effect<Scope.Scope, TemporarilyUnavailable>
    /** Those of the server's own, such as its API, once their layers are built. */
    readonly own: Effect.Effect<ReadonlyArray<Resource>>
    /** Adds one of the server's own. */
    readonly addOwn: (resource: Resource & { readonly own: Own }) => Effect.Effect<void>
  }
>() {}

/** How long a reading of the store is good for, in milliseconds. */
const freshFor = 1000

const make = Effect.gen(function* () {
  const store = yield* ResourceStore
  const { resources: configured } = yield* ServerSettings
  let own: ReadonlyArray<Resource> = []
  let stored: ReadonlyArray<Resource> = []
  let readAt = Number.NEGATIVE_INFINITY
  const offeredBy = (resources: ReadonlyArray<Resource>) =>
    new Map(resources.map((resource) => [resource.uri, scope(resource)]))
  let offeredHere = offeredBy(configured)

  const all = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (now - readAt >= freshFor) {
      stored = yield* store.list
      readAt = now
    }
    const first = [...own, ...configured]
    const names = new Set(first.map(({ uri }) => uri))
    return [...first, ...stored.filter(({ uri }) => !names.has(uri))]
  })

  return Resources.of({
    all,
    offered: (uri) => {
      const here = offeredHere.get(uri)
      return here === undefined
        ? Effect.map(all, (resources) => offered(resources.filter((resource) => resource.uri === uri)))
        : Effect.succeed(here)
    },
    own: Effect.sync(() => own),
    addOwn: (resource) =>
      Effect.sync(() => {
        own = [...own, resource]
        offeredHere = offeredBy([...own, ...configured])
      })
  })
})

export const layer = Layer.effect(Resources, make)
