/**
 * The routes that a router has found, by method and URL. A router takes some fifteen steps to find a route and to run its handler
 * with the services of routes, and copies all services twice.
 *
 * A route is remembered when its handler runs, because only then is it known with its middlewares. Its path must be the whole
 * URL: it has no parameters, and there are at most as many entries as routes and methods. `NodeServer` uses them unless the app
 * has a global middleware or a tracer.
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type { HttpServerResponse } from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fibers from "../../services/Fibers.js"

type Answer = Effect.Effect<HttpServerResponse, HttpLayerRouter.unhandled>

type Middleware = (answer: Answer) => Answer

/** A route that its router has found. */
export interface Found {
  /** The handler with all middlewares. */
  readonly answer: Answer
  /** Adds the services of the route. */
  readonly addServices: (services: Map<string, unknown>) => void
}

/** A request of node:http. */
interface Source {
  readonly method?: string | undefined
  readonly url?: string | undefined
}

export class FoundRoutes {
  readonly #found = new Map<string, Found>()
  #isClosed = false

  /** `middlewares` are the global ones, in the order in which they were added. */
  constructor(readonly middlewares: ReadonlyArray<Middleware>) {}

  get({ method = "", url = "" }: Source): Found | undefined {
    return this.#found.get(`${method} ${url}`)
  }

  /** Forgets the routes, because another one is added. */
  clear(): void {
    this.#found.clear()
  }

  /** Forgets the routes and remembers no more, because the app has a global middleware. */
  close(): void {
    this.#isClosed = true
    this.clear()
  }

  /** Remembers the route of a request. */
  add({ method = "", url = "" }: Source, context: HttpLayerRouter.RouteContext): void {
    const { params, route } = context
    if (this.#isClosed) return
    if (url !== route.path || url.includes("?") || route.prefix._tag === "Some" || Object.keys(params).length > 0)
      return
    // The platform leaves out the types of a handler whose requirements and errors it has checked.
    // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
    const handler = route.handler as Answer
    const answer = this.middlewares.reduceRight<Answer>(
      (inner, middleware) => middleware(inner),
      route.uninterruptible ? handler : Effect.interruptible(handler)
    )
    this.#found.set(`${method} ${url}`, {
      answer,
      addServices: (services) => {
        services.set(HttpLayerRouter.RouteContext.key, context)
        services.set(HttpServerRequest.ParsedSearchParams.key, {})
      }
    })
  }
}

/** The routes to which a request adds its own, as a service of a request whose route is not known yet. */
export class Finding extends Context.Tag("latchkey/http/FoundRoutes/Finding")<Finding, FoundRoutes>() {}

/** Remembers the route of the request that a fiber answers. */
export const remember = ({ currentContext: { unsafeMap } }: Fibers.Running): void => {
  const routes = unsafeMap.get(Finding.key) as FoundRoutes | undefined
  if (routes === undefined) return
  const request = unsafeMap.get(HttpServerRequest.HttpServerRequest.key) as HttpServerRequest.HttpServerRequest
  const context = unsafeMap.get(HttpLayerRouter.RouteContext.key) as HttpLayerRouter.RouteContext | undefined
  // The request of the server, because a middleware may have replaced that of the platform.
  if (context !== undefined) routes.add(request.source as Source, context)
}
