/**
 * The routes of the API on the app's router. One middleware gives each route what the endpoints of the server have: limits,
 * an id, telemetry, and errors as `Wire` renders them, with their headers, in the log and in the counters.
 */
import { HttpApiDecodeError } from "@effect/platform/HttpApiError"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Issuer } from "../../domain/Issuer.js"
import type { OAuthError } from "../../domain/OAuthError.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { metadataUrl } from "../oauth/ProtectedResourceEndpoint.js"
import * as AllowedMethods from "../wire/AllowedMethods.js"
import * as Cors from "../wire/Cors.js"
import * as Edge from "../wire/Edge.js"
import * as RateLimits from "../wire/RateLimits.js"
import * as Refusals from "../wire/Refusals.js"
import { observed } from "../wire/Telemetry.js"
import * as Wire from "../wire/Wire.js"
import * as Api from "./Api.js"
import * as ApiResource from "./ApiResource.js"
import * as Payload from "./Payload.js"

/** Returns true for a path of the account API. Scripts of any origin may call it, since no cookie counts there. */
const isAccount = (issuer: Issuer) => {
  const account = `${Api.path(issuer)}/account`
  return (path: string): boolean => path === account || path.startsWith(`${account}/`)
}

/** The error of a route. The platform's own, of a path or a query that it cannot read, repeats what was sent. */
const toError = (path: string, problem: unknown): Effect.Effect<OAuthError> => {
  if (problem instanceof HttpApiDecodeError) return Effect.succeed(Payload.malformed(problem.issues))
  return Wire.isOAuthError(problem) ? Effect.succeed(problem) : Refusals.incident(path, problem)
}

const middleware = HttpLayerRouter.middleware(
  Effect.gen(function* () {
    const settings = yield* ServerSettings
    const { issuer } = settings
    const edge = Edge.make(settings)
    const counting = yield* RateLimits.byAddress(["api"])
    const isShared = isAccount(issuer)
    const resourceMetadata = metadataUrl(ApiResource.make(issuer))

    const render = (path: string, error: OAuthError) =>
      [401, 403].includes(Wire.status(error))
        ? Wire.toChallenge(error, {
            resourceMetadata,
            scope: [isShared(path) ? ApiResource.accountScope : ApiResource.adminScope]
          })
        : Wire.toJson(error, issuer)

    return (handler): Effect.Effect<HttpServerResponse.HttpServerResponse, HttpLayerRouter.unhandled, Requires> =>
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const { path } = (yield* HttpLayerRouter.RouteContext).route
        const { admit, headers } = counting(request)
        // The platform gives the errors of handlers no type; `toError` reads them.
        // @effect-diagnostics-next-line anyUnknownInErrorContext:off
        const answered = (admit === undefined ? handler : Effect.zipRight(admit, handler)).pipe(
          Effect.catchAllDefect((defect) => Effect.fail(defect)),
          Effect.catchAll((problem: unknown) => toError(path, problem)),
          Effect.flatMap((answer) =>
            HttpServerResponse.isServerResponse(answer)
              ? Effect.succeed(answer)
              : Effect.as(Refusals.log(path, answer), render(path, answer))
          ),
          Effect.map((response) =>
            HttpServerResponse.setHeaders(response, {
              ...Wire.noStore,
              ...Wire.noSniff,
              ...edge.headers,
              ...(isShared(path) ? Cors.headers : {}),
              ...Object.fromEntries(headers())
            })
          )
        )
        return yield* observed(path, request.method, answered)
      }).pipe(HttpMiddleware.withLoggerDisabled, edge.around)
  })
).layer

type Requires = HttpServerRequest.HttpServerRequest | HttpLayerRouter.RouteContext

/** Adds the routes of the groups, which are built before. */
export const layer = Layer.unwrapEffect(
  Effect.map(ServerSettings, ({ issuer }) =>
    HttpLayerRouter.addHttpApi(Api.make(issuer)).pipe(
      Layer.provide(middleware),
      Layer.provide(AllowedMethods.layer(isAccount(issuer))),
      Layer.provide(HttpServer.layerContext)
    )
  )
)
