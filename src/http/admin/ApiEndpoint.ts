/**
 * The API on the app's router. The platform's own way there answers a request that it cannot read with what it read, and
 * knows neither our errors nor our limits: so each of its routes is taken and put behind what all endpoints have in
 * common. Errors are the OAuth ones (`http/Wire`), and other methods are answered 405 (RFC 9110 §15.5.6).
 */
// The platform hands on whatever a handler fails with: here each failure is answered.
// @effect-diagnostics anyUnknownInErrorContext:off
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { InvalidRequest, type OAuthError } from "../../domain/OAuthError.js"
import type { Settings } from "../../domain/Settings.js"
import { ServerClock } from "../../services/ServerClock.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { metadataUrl } from "../oauth/ProtectedResourceEndpoint.js"
import { refuseRepeated } from "../wire/AuthorizationHeader.js"
import * as Body from "../wire/Body.js"
import * as Cors from "../wire/Cors.js"
import * as Edge from "../wire/Edge.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as JsonText from "../wire/JsonText.js"
import * as RateLimits from "../wire/RateLimits.js"
import * as Refusals from "../wire/Refusals.js"
import { observed } from "../wire/Telemetry.js"
import * as Wire from "../wire/Wire.js"
import * as Api from "./Api.js"
import * as ApiResource from "./ApiResource.js"

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS"

/** A route that the platform has built: it has decoded, guarded and encoded. */
interface Built {
  readonly method: string
  readonly path: string
  readonly handler: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown>
}

/** A route of the API: which methods its path has, and whether scripts of any origin may call it. */
interface Place {
  readonly settings: Settings
  readonly edge: Edge.Edge
  readonly path: string
  readonly isAccount: boolean
  readonly methods: ReadonlyArray<string>
}

/** What cannot be read is named by the member of our own schema that it stands in; nothing that was sent is repeated. */
const malformed = ({ issues }: HttpApiDecodeError) => {
  const [name] = issues[0]?.path ?? []
  return new InvalidRequest({
    reason: "MalformedParameter",
    description: name === undefined ? "the request is malformed" : `${String(name)} is missing or malformed`
  })
}

const isDecodeError = (error: unknown): error is HttpApiDecodeError => error instanceof HttpApiDecodeError

/** The request, with a body that is JSON and no longer than ours are; it is read where a handler asks for it. */
const bounded = (request: HttpServerRequest.HttpServerRequest): HttpServerRequest.HttpServerRequest => {
  const json = Effect.flatMap(Body.json(request), JsonText.parse)
  const readers = ["json", "text", "urlParamsBody", "multipart", "arrayBuffer"] as const
  return Object.create(
    request,
    Object.fromEntries(readers.map((reader) => [reader, { value: json }]))
  ) as HttpServerRequest.HttpServerRequest
}

/** A fault of the request's in its body comes out of the platform as a defect. */
const toError = (place: Place, problem: unknown): Effect.Effect<OAuthError> => {
  if (isDecodeError(problem)) return Effect.succeed(malformed(problem))
  if (!Wire.isOAuthError(problem)) return Refusals.incident(place.path, problem)
  return Effect.succeed(
    problem._tag === "InvalidClientMetadata" && problem.reason === "NotAnObject"
      ? new InvalidRequest({ reason: "MalformedParameter", description: problem.description })
      : problem
  )
}

const render = ({ isAccount, settings: { issuer } }: Place, error: OAuthError) => {
  const status = Wire.status(error)
  if (status !== 401 && status !== 403) return Wire.toJson(error, issuer)
  return Wire.toChallenge(error, {
    resourceMetadata: metadataUrl(ApiResource.of(issuer)),
    scope: [isAccount ? ApiResource.accountScope : ApiResource.adminScope]
  })
}

const finish = (place: Place, response: HttpServerResponse.HttpServerResponse) =>
  HttpServerResponse.setHeaders(response, {
    ...Wire.noStore,
    ...place.edge.headers,
    "x-content-type-options": "nosniff",
    ...(place.isAccount ? Cors.headers : {})
  })

const answer = (
  place: Place,
  method: string,
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown>,
  counting: RateLimits.Counting
) => {
  const answered = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { admit, headers } = counting(request)
    const response = yield* admit.pipe(
      Effect.zipRight(refuseRepeated(request)),
      Effect.zipRight(Effect.provideService(handler, HttpServerRequest.HttpServerRequest, bounded(request))),
      Effect.catchAllDefect((defect) => Effect.fail(defect)),
      Effect.catchAll((problem: unknown) =>
        Effect.gen(function* () {
          const error = yield* toError(place, problem)
          yield* Refusals.log(place.path, error)
          return render(place, error)
        })
      )
    )
    return HttpServerResponse.setHeaders(finish(place, response), headers())
  })
  return place.edge.around(HttpMiddleware.withLoggerDisabled(observed(place.path, method, answered)))
}

/** The methods that a path has: the router answers HEAD as it does GET. */
const withHead = (methods: ReadonlyArray<string>) => [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])]

/** Answers the methods that a path does not have, and the preflight of scripts where they may call it. */
const otherwise = (place: Place) => {
  const allow = [...withHead(place.methods), ...(place.isAccount ? ["OPTIONS"] : [])].join(", ")
  const preflight = (request: HttpServerRequest.HttpServerRequest) =>
    HttpServerResponse.setHeaders(Cors.preflight(request, allow), place.edge.headers)
  const refusal = finish(
    place,
    HttpServerResponse.setHeader(Wire.toJson(Refusals.notAllowed, place.settings.issuer), "allow", allow)
  )
  return place.edge.around(
    Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
      place.isAccount && request.method === "OPTIONS" ? preflight(request) : refusal
    )
  )
}

/** Takes the routes of the groups, which are built before. */
export const layer = HttpApiBuilder.Router.unwrap((built) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const router = yield* HttpLayerRouter.HttpRouter
      const settings = yield* ServerSettings
      const { issuer } = settings
      const edge = Edge.of(settings)
      const clock = yield* ServerClock
      const counting = yield* RateLimits.byAddress(["api"])
      const routes = built.routes as Iterable<Built>
      for (const [path, here] of Object.entries(Arr.groupBy(routes, ({ path }) => path))) {
        const isAccount = path.startsWith(`${Api.path(issuer)}/account`)
        const place: Place = { settings, edge, path, isAccount, methods: here.map(({ method }) => method) }
        for (const { handler, method } of here) {
          const answered = Effect.withClock(answer(place, method, handler, counting), clock)
          yield* router.add(method as Method, path as HttpLayerRouter.PathInput, answered)
        }
        const others = otherwise(place)
        yield* Endpoint.addEveryMethod(router, path as HttpLayerRouter.PathInput, others, withHead(place.methods))
      }
    })
  )
)
