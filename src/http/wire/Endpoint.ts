/**
 * An endpoint: one path, its methods, and the behavior that all endpoints share. The path matches exactly, with any settings
 * of the router. Every other method gets 405 with `Allow` (RFC 9110 §15.5.6). A handler can fail only with an `OAuthError`,
 * which the endpoint renders. An endpoint names its rate limits, and each response reports them.
 */

import { METHODS } from "node:http"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import type { MisdirectedRequest } from "../../domain/HttpError.js"
import * as Issuer from "../../domain/Issuer.js"
import type { OAuthError } from "../../domain/OAuthError.js"
import type { LimitName } from "../../domain/RateLimit.js"
import type { Settings } from "../../domain/Settings.js"
import * as Origin from "../../services/events/Origin.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { refuseRepeated } from "./AuthorizationHeader.js"
import * as Cors from "./Cors.js"
import * as Edge from "./Edge.js"
import * as NotFound from "./NotFound.js"
import { wantsPage } from "./OpenedInBrowser.js"
import * as Page from "./Page.js"
import * as RateLimits from "./RateLimits.js"
import * as Refusals from "./Refusals.js"
import * as RequestHost from "./RequestHost.js"
import { observed } from "./Telemetry.js"
import * as Wire from "./Wire.js"

/** The services that the router provides to every handler. */
type Routed = HttpServerRequest.HttpServerRequest | Scope

/** The services that a handler gets without its endpoint having them. */
type Provided = Routed | RateLimits.Meter

type Handler<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** The handler of each method. HEAD is answered as GET, without the body. */
export interface Methods<EG extends OAuthError = OAuthError, RG = never, EP extends OAuthError = EG, RP = RG> {
  readonly GET?: Handler<EG, RG>
  readonly POST?: Handler<EP, RP>
}

/** The description of an endpoint. */
export interface Endpoint<EG extends OAuthError = OAuthError, RG = never, EP extends OAuthError = EG, RP = RG>
  extends Methods<EG, RG, EP, RP> {
  /** The path. A path that ends in `/*` matches every path below it. */
  readonly path: string
  /** Renders an error. `incident` is the id of the request, for a page. */
  readonly renderError: (error: OAuthError, incident?: string) => HttpServerResponse.HttpServerResponse
  /**
   * Whether users open it in a browser. A page answers at the issuer's host only (see `RequestHost`), and its errors show the
   * id of the request, by which the operator finds them in the log.
   */
  readonly isPage?: boolean
  /** Whether scripts of any origin may call it. If so, it reads no cookie. */
  readonly cors: boolean
  /** Counts a request before its handler runs. Without it, no request is counted. */
  readonly counted?: RateLimits.Counting
}

type Any<E extends OAuthError, R> = Endpoint<E, R, E, R>

/** Adds an endpoint to the router. Its handlers get the services of the current context. */
export const add = <EG extends OAuthError = never, RG = never, EP extends OAuthError = never, RP = never>(
  endpoint: Endpoint<EG, RG, EP, RP>
): Effect.Effect<
  void,
  never,
  HttpLayerRouter.HttpRouter | Page.PageRendering | ServerSettings | Exclude<RG | RP, Provided>
> =>
  Effect.gen(function* () {
    const router = yield* HttpLayerRouter.HttpRouter
    const rendering = yield* Page.PageRendering
    const settings = yield* ServerSettings
    const { around, headers } = Edge.make(settings)
    const context = yield* Effect.context<Exclude<RG | RP, Provided>>()
    // The platform would log whole URLs, which hold codes.
    const site: Site = { settings, rendering, headers }
    const handler = HttpMiddleware.withLoggerDisabled(answer<EG | EP, RG | RP>(endpoint, site)).pipe(
      Effect.provide(context),
      around
    )
    // `R` without the services that were just provided: the compiler does not subtract type parameters.
    // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
    yield* addEveryMethod(router, endpoint.path as HttpLayerRouter.PathInput, handler as Handler<never, Routed>)
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

/** The server of an endpoint. */
interface Site {
  readonly settings: Settings
  readonly rendering: Page.Rendering
  /** The headers of every response. */
  readonly headers: Readonly<Record<string, string>>
}

const answer = <E extends OAuthError, R>(endpoint: Any<E, R>, site: Site) =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const [path = ""] = request.url.split("?", 1)
    const isHere = endpoint.path.endsWith("/*") ? path.startsWith(endpoint.path.slice(0, -1)) : path === endpoint.path
    if (!isHere) return HttpServerResponse.setHeaders(NotFound.answer(request, site.rendering), site.headers)
    const answered = observed(endpoint.path, request.method, respond(endpoint, request, site))
    return HttpServerResponse.setHeaders(yield* answered, {
      ...site.headers,
      "x-content-type-options": "nosniff",
      ...(endpoint.cors ? Cors.headers : {})
    })
  })

const respond = <E extends OAuthError, R>(
  endpoint: Any<E, R>,
  request: HttpServerRequest.HttpServerRequest,
  { rendering, settings }: Site
): Handler<never, Exclude<R, RateLimits.Meter>> => {
  const handler = handlerOf(endpoint, request.method)
  if (handler === undefined) {
    const allow = allowed(endpoint)
    return Effect.succeed(
      request.method === "OPTIONS" && endpoint.cors
        ? Cors.preflight(request, allow)
        : HttpServerResponse.setHeader(
            wantsPage(request) ? Page.error(rendering, Refusals.notAllowed) : endpoint.renderError(Refusals.notAllowed),
            "allow",
            allow
          )
    )
  }
  const { admit, headers, meter } = (endpoint.counted ?? RateLimits.uncounted)(request)
  return admit.pipe(
    Effect.zipRight(refuseRepeated(request)),
    Effect.zipRight(endpoint.isPage === true ? atIssuer(request, settings, handler) : handler),
    Effect.provideService(RateLimits.Meter, meter),
    Effect.catchAll((error) => refuse(endpoint, error)),
    Effect.catchAllDefect((defect) =>
      Refusals.incident(endpoint.path, defect).pipe(
        Effect.tap((error) => Refusals.count(endpoint.path, error)),
        Effect.map(endpoint.renderError)
      )
    ),
    Effect.map((answer) => HttpServerResponse.setHeaders(answer, headers()))
  )
}

/** Answers a request that names the issuer's host, and redirects one that names another name of this machine. */
const atIssuer = <E extends OAuthError, R>(
  request: HttpServerRequest.HttpServerRequest,
  settings: Settings,
  handler: Handler<E, R>
): Handler<E | MisdirectedRequest, R> => {
  const standing = RequestHost.standing(request, settings)
  switch (standing._tag) {
    case "Ours":
      return handler
    case "Alias":
      return request.method !== "POST"
        ? Effect.succeed(Page.seeOther(settings.issuer, `${Issuer.origin(settings.issuer)}${request.url}`))
        : Effect.fail(RequestHost.misdirected)
    case "Foreign":
      return Effect.zipRight(RequestHost.warn(request, standing, settings), Effect.fail(RequestHost.misdirected))
  }
}

/** Logs an error and renders it. A page shows the id that the log line has. */
const refuse = <E extends OAuthError, R>({ isPage, path, renderError }: Any<E, R>, error: OAuthError) =>
  Effect.zipRight(
    Refusals.log(path, error),
    isPage === true
      ? Effect.map(Origin.requestId, (incident) => renderError(error, incident))
      : Effect.sync(() => renderError(error))
  )

const handlerOf = <E extends OAuthError, R>(endpoint: Any<E, R>, method: string): Handler<E, R> | undefined => {
  switch (method) {
    case "GET":
    case "HEAD":
      return endpoint.GET
    case "POST":
      return endpoint.POST
    default:
      return undefined
  }
}

const allowed = <E extends OAuthError, R>({ cors, GET, POST }: Any<E, R>): string =>
  [...(GET ? ["GET", "HEAD"] : []), ...(POST ? ["POST"] : []), ...(cors ? ["OPTIONS"] : [])].join(", ")
