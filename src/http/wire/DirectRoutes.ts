/**
 * The endpoints of a router that `NodeServer` answers before the router. A router takes some thirty steps to find a route and to
 * give it what routes of apps need, and an endpoint of this server needs none of it.
 *
 * A global middleware of the app must see every request, those for our endpoints too. Where there is one, the router answers all
 * of them.
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type { HttpServerRequest } from "@effect/platform/HttpServerRequest"
import type { HttpServerResponse } from "@effect/platform/HttpServerResponse"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import * as Fibers from "../../services/Fibers.js"
import * as FoundRoutes from "./FoundRoutes.js"

type Router = HttpLayerRouter.HttpRouter

/** The names of headers, in lower case, and their values. */
export type Headers = ReadonlyArray<readonly [name: string, value: string]>

/** A request that an endpoint is about to answer. It sets by itself all that our global middlewares set. */
export interface Begun {
  /** The response itself, where it takes no effect; otherwise the effect that makes it. */
  readonly answer: Effect.Effect<HttpServerResponse, never, HttpServerRequest | Scope>
  /** Ends the measurement of the request, and returns the headers that its response gets beside its own. */
  readonly end: (response: HttpServerResponse) => Headers
  /** Adds the services of the request. */
  readonly addServices: (services: Map<string, unknown>) => void
  /** Annotations of the log lines of the request. */
  readonly annotations: Readonly<Record<string, unknown>>
}

/** A handler of requests. */
export interface Handler {
  /** The services that its effects need, beside those of a request. */
  readonly services: Context.Context<never>
  /** The clock that its effects run on. */
  readonly clock: Clock.Clock
  /** Begins to answer a request. `isTraced` says whether the app has installed a tracer. */
  readonly begin: (request: HttpServerRequest, isTraced: boolean) => Begun
}

/** A handler at one path. */
interface Direct {
  readonly handler: Handler
  /** Whether its route in the router is one that ends in `/*`, so that the app may have another route at the path. */
  readonly isBelow: boolean
}

/** The facts about a router. */
interface Known {
  readonly handlers: Map<string, Direct>
  /** The paths of all routes. */
  readonly routed: Set<string>
  /** Whether the app has added a global middleware. */
  isWrapped: boolean
  clock: Clock.Clock | undefined
  readonly found: FoundRoutes.FoundRoutes
}

const known = new WeakMap<Router, Known>()

const ours = new WeakSet<object>()

type Answer<R = never> = Effect.Effect<HttpServerResponse, HttpLayerRouter.unhandled, R>

/** Adds a global middleware of this server, whose work an endpoint does by itself. */
export const addOwnMiddleware = (
  router: Router,
  middleware: (answer: Answer) => Answer<HttpServerRequest>
): Effect.Effect<void> => {
  ours.add(middleware)
  return router.addGlobalMiddleware(middleware)
}

/** Sets the clock of the requests of a router: `NodeServer` starts them on it, so that no middleware has to. */
export const setClock = (router: Router, clock: Clock.Clock): void => {
  const found = known.get(router)
  if (found !== undefined) found.clock = clock
}

/** Returns the clock of the requests of a router, if it is known. */
export const clockOf = (router: Router): Clock.Clock | undefined => known.get(router)?.clock

/** Adds the handler of a path. Nothing happens where no `NodeServer` serves the router. */
export const add = (router: Router, path: string, direct: Direct): void => {
  known.get(router)?.handlers.set(path, direct)
}

/** Returns a function that finds the handler of a URL; the router must answer where there is none. */
export const finder = (router: Router): ((url: string) => Handler | undefined) => {
  const found = known.get(router)
  if (found === undefined) return () => undefined
  const { handlers, routed } = found
  return (url) => {
    if (found.isWrapped) return undefined
    const query = url.indexOf("?")
    const path = query === -1 ? url : url.slice(0, query)
    const direct = handlers.get(path)
    return direct === undefined || (direct.isBelow && routed.has(path)) ? undefined : direct.handler
  }
}

/** Returns the routes of the app that the router has found. */
export const foundOf = (router: Router): FoundRoutes.FoundRoutes | undefined => known.get(router)?.found

/** Runs a handler, and remembers its route. */
const remembered = <A, E, R>(handler: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Fibers.withFiber((fiber) => {
    FoundRoutes.remember(fiber)
    return handler
  })

/** Provides the same router, and records the routes and middlewares that are added to it. Each call returns a new layer. */
export const layer = (): Layer.Layer<Router, never, Router> =>
  Layer.effect(
    HttpLayerRouter.HttpRouter,
    Effect.map(HttpLayerRouter.HttpRouter, (router) => {
      const middlewares: Array<(answer: Answer) => Answer> = []
      const own: Known = {
        handlers: new Map(),
        routed: new Set(),
        isWrapped: false,
        clock: undefined,
        found: new FoundRoutes.FoundRoutes(middlewares)
      }
      const watch = (path: string) => {
        own.routed.add(path)
        own.found.clear()
      }
      const watched: Router = {
        ...router,
        add: (method, path, handler, options) => {
          watch(path)
          const watching = Effect.isEffect(handler)
            ? remembered(handler)
            : (request: HttpServerRequest) => remembered(handler(request))
          return router.add(method, path, watching, options)
        },
        addAll: (routes) => {
          for (const { path } of routes) watch(path)
          // The routes of an app have no type here.
          // @effect-diagnostics-next-line anyUnknownInErrorContext:off
          const watching = routes.map((route) => ({ ...route, handler: remembered(route.handler) }))
          return router.addAll(watching as unknown as typeof routes)
        },
        addGlobalMiddleware: (middleware) => {
          if (!ours.has(middleware)) {
            own.isWrapped = true
            own.found.close()
          }
          middlewares.push(middleware as never)
          return router.addGlobalMiddleware(middleware)
        }
      }
      known.set(watched, own)
      return watched
    })
  )
