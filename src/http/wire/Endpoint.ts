/**
 * An endpoint: one path, its methods, and the behavior that all endpoints share (see `EndpointHandler`). The path matches exactly,
 * with any settings of the router. A handler can fail only with an `OAuthError`, which the endpoint renders. An endpoint names its
 * rate limits, and each response reports them.
 */

import { METHODS } from "node:http"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import * as Issuer from "../../domain/Issuer.js"
import type { OAuthError } from "../../domain/OAuthError.js"
import type { LimitName } from "../../domain/RateLimit.js"
import * as Fibers from "../../services/Fibers.js"
import * as Locally from "../../services/Locally.js"
import { ServerClock } from "../../services/ServerClock.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Spans from "../../services/Spans.js"
import * as DirectRoutes from "./DirectRoutes.js"
import * as Edge from "./Edge.js"
import type { Endpoint, Handler, Methods, Site } from "./EndpointHandler.js"
import * as EndpointHandler from "./EndpointHandler.js"
import * as Page from "./Page.js"
import * as RateLimits from "./RateLimits.js"
import * as Wire from "./Wire.js"

export type { Call, Endpoint, Methods } from "./EndpointHandler.js"

/** The services that the router provides to every handler. */
type Routed = HttpServerRequest.HttpServerRequest | Scope

/** The services that a handler gets without its endpoint having them. */
type Provided = Routed | RateLimits.Meter

/** Adds an endpoint to the router. Its handlers get the services of the current context. */
export const add = <EG extends OAuthError = never, RG = never, EP extends OAuthError = never, RP = never>(
  endpoint: Endpoint<EG, RG, EP, RP>
): Effect.Effect<
  void,
  never,
  HttpLayerRouter.HttpRouter | Page.PageRendering | ServerClock | ServerSettings | Exclude<RG | RP, Provided>
> =>
  Effect.gen(function* () {
    const router = yield* HttpLayerRouter.HttpRouter
    const rendering = yield* Page.PageRendering
    const settings = yield* ServerSettings
    const edge = Edge.make(settings)
    const context = yield* Effect.context<Exclude<RG | RP, Provided>>()
    const clock = yield* ServerClock
    const site: Site = { settings, rendering, edge, clock, services: context as Context.Context<never> }
    const handler = EndpointHandler.make<EG | EP, RG | RP>(endpoint, site)
    yield* addEveryMethod(router, endpoint.path as HttpLayerRouter.PathInput, routed(handler))
    const isBelow = endpoint.path.endsWith("/*")
    for (const path of isBelow ? (endpoint.direct ?? []) : [endpoint.path]) {
      DirectRoutes.add(router, path, { handler, isBelow })
    }
  })

/**
 * Adds a handler for every method that Node parses. The router's `*` leaves out QUERY.
 */
const addEveryMethod = (
  router: HttpLayerRouter.HttpRouter,
  path: HttpLayerRouter.PathInput,
  handler: Handler<never, Routed>
) => router.addAll(METHODS.map((method) => HttpLayerRouter.route(method as "*", path, handler)))

/** Adds an endpoint for users below the issuer's path: its errors are pages, and no script of another origin may call it. */
export const addPage = <EG extends OAuthError = never, RG = never, EP extends OAuthError = never, RP = never>(
  path: string,
  methods: Methods<EG, RG, EP, RP>,
  limits: ReadonlyArray<LimitName> = []
) =>
  Effect.flatMap(Page.errors, (renderError) =>
    addBelow(path, methods, limits, { cors: false, isPage: true, renderError })
  )

/** Adds an endpoint for programs below the issuer's path: its errors are JSON. */
export const addJson = <EG extends OAuthError = never, RG = never, EP extends OAuthError = never, RP = never>(
  path: string,
  cors: boolean,
  methods: Methods<EG, RG, EP, RP>,
  limits: ReadonlyArray<LimitName> = []
) =>
  Effect.flatMap(ServerSettings, ({ issuer }) =>
    addBelow(path, methods, limits, { cors, renderError: (error) => Wire.toJson(error, issuer) })
  )

/** Adds an endpoint below the issuer's path, with its limits. */
const addBelow = <EG extends OAuthError, RG, EP extends OAuthError, RP>(
  path: string,
  methods: Methods<EG, RG, EP, RP>,
  limits: ReadonlyArray<LimitName>,
  rest: Pick<Endpoint, "cors" | "isPage" | "renderError">
) =>
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const counted = yield* RateLimits.byAddress(limits)
    yield* add({ ...methods, ...rest, path: Issuer.path(issuer) + path, counted })
  })

/** Answers a request in its fiber, for the router. */
const routed = ({ begin, clock, services }: DirectRoutes.Handler): Handler<never, Routed> =>
  Fibers.withFiber((fiber) => {
    const request = Fibers.service(fiber, HttpServerRequest.HttpServerRequest)
    const { addServices, annotations, answer, end } = begin(request, Spans.isTraced(fiber))
    const finish = (response: HttpServerResponse.HttpServerResponse) =>
      HttpServerResponse.setHeaders(response, end(response))
    if (HttpServerResponse.isServerResponse(answer)) return Effect.succeed(finish(answer))
    const own = new Map(services.unsafeMap)
    addServices(own)
    return Locally.inFiber(
      fiber,
      {
        services: Context.unsafeMake<never>(own),
        annotations,
        clock: Fibers.clock(fiber) === clock ? undefined : clock,
        // The platform would log whole URLs, which hold codes.
        isPlatformLogOff: true
      },
      answer,
      finish
    )
  })
