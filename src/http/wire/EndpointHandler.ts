/**
 * The description of an endpoint, and the handler of its requests: it counts and measures a request, lets the handler of the method
 * answer, and renders an error or a defect of it. A method that the endpoint does not have gets 405 with `Allow`
 * (RFC 9110 §15.5.6).
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { MisdirectedRequest } from "../../domain/HttpError.js"
import * as Issuer from "../../domain/Issuer.js"
import type { OAuthError } from "../../domain/OAuthError.js"
import type { Settings } from "../../domain/Settings.js"
import * as Origin from "../../services/events/Origin.js"
import { refuseRepeated } from "./AuthorizationHeader.js"
import * as Cors from "./Cors.js"
import type * as DirectRoutes from "./DirectRoutes.js"
import type * as Edge from "./Edge.js"
import * as NotFound from "./NotFound.js"
import { wantsPage } from "./OpenedInBrowser.js"
import * as Page from "./Page.js"
import * as RateLimits from "./RateLimits.js"
import * as Refusals from "./Refusals.js"
import * as RequestHost from "./RequestHost.js"
import * as Telemetry from "./Telemetry.js"
import * as Wire from "./Wire.js"

type Response = HttpServerResponse.HttpServerResponse

export type Handler<E, R> = Effect.Effect<Response, E, R>

/** The values of one request. A handler that takes them as an argument looks up no service. */
export interface Call {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly meter: Context.Tag.Service<RateLimits.Meter>
}

type Answering<E, R> = Handler<E, R> | ((call: Call) => Handler<E, R>)

/** The handler of each method. HEAD is answered as GET, without the body. */
export interface Methods<EG extends OAuthError = OAuthError, RG = never, EP extends OAuthError = EG, RP = RG> {
  readonly GET?: Answering<EG, RG>
  readonly POST?: Answering<EP, RP>
  readonly PUT?: Answering<EP, RP>
  readonly DELETE?: Answering<EP, RP>
}

/** The description of an endpoint. */
export interface Endpoint<EG extends OAuthError = OAuthError, RG = never, EP extends OAuthError = EG, RP = RG>
  extends Methods<EG, RG, EP, RP> {
  /** The path. A path that ends in `/*` matches every path below it. */
  readonly path: string
  /** Renders an error. `incident` is the id of the request, for a page. */
  readonly renderError: (error: OAuthError, incident?: string) => HttpServerResponse.HttpServerResponse
  /** Answers a GET by no effect; `undefined` if only `GET` can. `now` is the time in milliseconds. */
  readonly peek?: (request: HttpServerRequest.HttpServerRequest, now: number) => Response | undefined
  /** Paths below a path that ends in `/*` which `NodeServer` answers before the router, unless the app has a route there. */
  readonly direct?: ReadonlyArray<string>
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

/** An endpoint whose methods have the same errors and services. */
type Any<E extends OAuthError, R> = Endpoint<E, R, E, R>

/** The server of an endpoint. */
export interface Site {
  readonly settings: Settings
  readonly rendering: Page.Rendering
  readonly edge: Edge.Edge
  readonly clock: Clock.Clock
  /** The services of the handlers. */
  readonly services: Context.Context<never>
}

/** Begins to answer requests: no step reads what a request needs, and none gives the response its headers. */
export const make = <E extends OAuthError, R>(endpoint: Any<E, R>, site: Site): DirectRoutes.Handler => {
  const { clock, edge, rendering, services } = site
  const everywhere = Object.entries(edge.headers)
  const fixed = [...everywhere, ...Object.entries({ ...Wire.noSniff, ...(endpoint.cors ? Cors.headers : {}) })]
  const isHere = (path: string) =>
    endpoint.path.endsWith("/*") ? path.startsWith(endpoint.path.slice(0, -1)) : path === endpoint.path
  const counting = endpoint.counted ?? RateLimits.uncounted
  const begin: DirectRoutes.Handler["begin"] = (request, isTraced) => {
    const now = clock.unsafeCurrentTimeMillis()
    const { addServices, annotations, id } = edge.begin(request, now)
    const [path = ""] = request.url.split("?", 1)
    if (!isHere(path)) {
      const end = (response: Response) => [...everywhere, ...id(response)]
      return { answer: NotFound.answer(request, rendering), end, addServices, annotations }
    }
    const counted = counting(request)
    const measured = Telemetry.start(clock, endpoint.path, request.method)
    const isRead = request.method === "GET" || request.method === "HEAD"
    const isPlain = isRead && counted.admit === undefined && !isTraced && Either.isRight(refuseRepeated(request))
    const ready = isPlain ? endpoint.peek?.(request, now) : undefined
    // Its services are those that `services` has.
    // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
    const handled = () => respond(endpoint, { request, counted }, site) as Handler<never, never>
    const made = () => (isTraced ? Telemetry.traced(endpoint.path, request.method, Effect.suspend(handled)) : handled())
    return {
      answer: ready ?? made(),
      end: (response) => {
        measured(response.status)
        return [...counted.headers(), ...fixed, ...id(response)]
      },
      addServices: (services) => {
        addServices(services)
        services.set(RateLimits.Meter.key, counted.meter)
      },
      annotations
    }
  }
  return { services, clock, begin }
}

/** A request at the path of an endpoint. */
interface Present {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly counted: RateLimits.Counted
}

/** Answers a request by the method of its endpoint, within its limits. Errors and defects are rendered. */
const respond = <E extends OAuthError, R>(
  endpoint: Any<E, R>,
  { counted: { admit, meter }, request }: Present,
  { rendering, settings }: Site
): Handler<never, R> => {
  const answering = answeringOf(endpoint, request.method)
  if (answering === undefined) {
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
  const begin = (): Handler<OAuthError, R> => {
    const headers = refuseRepeated(request)
    if (Either.isLeft(headers)) return Effect.fail(headers.left)
    const handler = Effect.isEffect(answering) ? answering : answering({ request, meter })
    return endpoint.isPage === true ? atIssuer(request, settings, handler) : handler
  }
  const handled = admit === undefined ? Effect.suspend(begin) : Effect.flatMap(admit, begin)
  return Effect.catchAllCause(handled, (cause) =>
    Refusals.recover(cause, {
      onError: (error) => Effect.catchAllDefect(refuse(endpoint, error), (defect) => failed(endpoint, defect)),
      onDefect: (defect) => failed(endpoint, defect)
    })
  )
}

/** Logs a defect, and answers with its incident. */
const failed = <E extends OAuthError, R>({ path, renderError }: Any<E, R>, defect: unknown): Handler<never, never> =>
  Refusals.incident(path, defect).pipe(
    Effect.tap((error) => Refusals.count(path, error)),
    Effect.map(renderError)
  )

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

const answeringOf = <E extends OAuthError, R>(endpoint: Any<E, R>, method: string): Answering<E, R> | undefined => {
  switch (method) {
    case "GET":
    case "HEAD":
      return endpoint.GET
    case "POST":
      return endpoint.POST
    case "PUT":
      return endpoint.PUT
    case "DELETE":
      return endpoint.DELETE
    default:
      return undefined
  }
}

const allowed = <E extends OAuthError, R>({ cors, GET, ...endpoint }: Any<E, R>): string =>
  [
    ...(GET ? ["GET", "HEAD"] : []),
    ...(["POST", "PUT", "DELETE"] as const).filter((method) => endpoint[method] !== undefined),
    ...(cors ? ["OPTIONS"] : [])
  ].join(", ")
