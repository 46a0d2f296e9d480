/**
 * The protected resources of this server: those of its settings, those that its operator registered, and the built-in
 * ones, such as its API.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { type BuiltIn, offered, type Resource, type ResourceIndicator, scope } from "../../domain/Resource.js"
import type * as Scope from "../../domain/Scope.js"
import { ServerSettings } from "../ServerSettings.js"
import { ResourceStore } from "../stores/ResourceStore.js"

export class Resources extends Context.Tag("latchkey/Resources")<
  Resources,
  {
    /** Returns all resources, built-in ones too. A change by the operator is visible within a tenth of a second. */
    readonly all: Effect.Effect<ReadonlyArray<Resource>, TemporarilyUnavailable>
    /**
     * Returns the scope that one resource offers now; empty where no such resource exists. Reads no store for a resource of
     * the settings or a built-in one.
     */
    readonly offered: (uri: ResourceIndicator) => Effect.Effect<Scope.Scope, TemporarilyUnavailable>
    /** Adds a built-in resource. */
    readonly addBuiltIn: (resource: Resource & { readonly builtIn: BuiltIn }) => Effect.Effect<void>
  }
>() {}

/** Time for which the list of stored resources is cached. */
const timeToLive = "100 millis"

const make = Effect.gen(function* () {
  const store = yield* ResourceStore
  const { resources: configured } = yield* ServerSettings
  const [cached, invalidate] = yield* Effect.cachedInvalidateWithTTL(store.list, timeToLive)
  // A failure is not cached: the next request reads the store again.
  const stored = Effect.tapError(cached, () => invalidate)
  let builtIn: ReadonlyArray<Resource> = []
  const offeredBy = (resources: ReadonlyArray<Resource>) =>
    new Map(resources.map((resource) => [resource.uri, scope(resource)]))
  let offeredHere = offeredBy(configured)

  const all = Effect.map(stored, (stored) => {
    const first = [...builtIn, ...configured]
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
    addBuiltIn: (resource) =>
      Effect.sync(() => {
        builtIn = [...builtIn, resource]
        offeredHere = offeredBy([...builtIn, ...configured])
      })
  })
})

export const layer = Layer.effect(Resources, make)
