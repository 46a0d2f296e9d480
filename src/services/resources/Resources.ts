/**
 * The protected resources of this server: those of its settings, those that its operator registered, and the built-in
 * ones, such as its API.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { type BuiltIn, hierarchy, type Resource, type ResourceIndicator } from "../../domain/Resource.js"
import * as ScopeHierarchy from "../../domain/ScopeHierarchy.js"
import { ServerSettings } from "../ServerSettings.js"
import { ResourceStore } from "../stores/ResourceStore.js"

export class Resources extends Context.Tag("latchkey/Resources")<
  Resources,
  {
    /** Returns all resources, built-in ones too. A change by the operator is visible within a tenth of a second. */
    readonly all: Effect.Effect<ReadonlyArray<Resource>, TemporarilyUnavailable>
    /** As `all`, without an effect; `undefined` if only `all` can tell. `now` is the time in milliseconds. */
    readonly peek: (now: number) => ReadonlyArray<Resource> | undefined
    /**
     * Returns the scopes that one resource offers now; none where no such resource exists. Reads no store for a resource of
     * the settings or a built-in one.
     */
    readonly offered: (uri: ResourceIndicator) => Effect.Effect<ScopeHierarchy.ScopeHierarchy, TemporarilyUnavailable>
    /** As `offered`, without an effect, for a resource of the settings or a built-in one; `undefined` for every other. */
    readonly offeredHere: (uri: ResourceIndicator) => ScopeHierarchy.ScopeHierarchy | undefined
    /** As `offered`, without an effect; `undefined` if only `offered` can tell. `now` is the time in milliseconds. */
    readonly peekOffered: (uri: ResourceIndicator, now: number) => ScopeHierarchy.ScopeHierarchy | undefined
    /** Adds a built-in resource. */
    readonly addBuiltIn: (resource: Resource & { readonly builtIn: BuiltIn }) => Effect.Effect<void>
  }
>() {}

/** The scopes of a resource that does not exist. */
const nothing = ScopeHierarchy.make({ scopes: {} })

/** Time for which the list of stored resources is cached, in milliseconds. */
const timeToLive = 100

const make = Effect.gen(function* () {
  const store = yield* ResourceStore
  const { resources: configured } = yield* ServerSettings
  let builtIn: ReadonlyArray<Resource> = []
  let known: { readonly stored: string; readonly all: ReadonlyArray<Resource> } | undefined
  let readAt = Number.NEGATIVE_INFINITY
  const offeredBy = (resources: ReadonlyArray<Resource>) =>
    new Map(resources.map((resource) => [resource.uri, hierarchy(resource)]))
  let offeredHere = offeredBy(configured)

  /** Keeps the same list while nothing changes, so that what is made of it can be kept too. */
  const keep = (stored: ReadonlyArray<Resource>, now: number): ReadonlyArray<Resource> => {
    readAt = now
    const text = JSON.stringify(stored)
    if (known?.stored !== text) {
      const first = [...builtIn, ...configured]
      const names = new Set(first.map(({ uri }) => uri))
      known = { stored: text, all: [...first, ...stored.filter(({ uri }) => !names.has(uri))] }
    }
    return known.all
  }

  /** The read that other requests wait for. */
  let reading: Deferred.Deferred<ReadonlyArray<Resource>, TemporarilyUnavailable> | undefined
  // One request reads, and its client must not take the answer from the others. A failure is not cached.
  const read = (now: number) =>
    Effect.suspend(() => {
      const shared = Deferred.unsafeMake<ReadonlyArray<Resource>, TemporarilyUnavailable>(FiberId.none)
      reading = shared
      return Effect.onExit(
        Effect.map(store.list, (stored) => keep(stored, now)),
        (exit) =>
          Effect.sync(() => {
            reading = undefined
            Deferred.unsafeDone(shared, exit)
          })
      )
    }).pipe(Effect.uninterruptible)

  let stored:
    | { readonly all: ReadonlyArray<Resource>; readonly offered: Map<string, ScopeHierarchy.ScopeHierarchy> }
    | undefined
  const offeredByAll = (all: ReadonlyArray<Resource> | undefined) => {
    if (all === undefined) return undefined
    if (stored?.all !== all) stored = { all, offered: offeredBy(all) }
    return stored.offered
  }

  const peek = (now: number) => (Math.abs(now - readAt) < timeToLive ? known?.all : undefined)

  // `Effect.cached…` takes a lock on each use, some eighty steps, and nearly every request asks for the list.
  const all = Effect.clockWith((clock) => {
    const now = clock.unsafeCurrentTimeMillis()
    const fresh = peek(now)
    if (fresh !== undefined) return Effect.succeed(fresh)
    return reading === undefined ? read(now) : Deferred.await(reading)
  })

  return Resources.of({
    all,
    peek,
    offered: (uri) => {
      const here = offeredHere.get(uri)
      return here === undefined
        ? Effect.map(all, (resources) => offeredByAll(resources)?.get(uri) ?? nothing)
        : Effect.succeed(here)
    },
    offeredHere: (uri) => offeredHere.get(uri),
    peekOffered: (uri, now) => offeredHere.get(uri) ?? offeredByAll(peek(now))?.get(uri),
    addBuiltIn: (resource) =>
      Effect.sync(() => {
        builtIn = [...builtIn, resource]
        known = undefined
        offeredHere = offeredBy([...builtIn, ...configured])
      })
  })
})

export const layer = Layer.effect(Resources, make)
