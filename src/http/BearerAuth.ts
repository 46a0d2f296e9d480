/**
 * The guard of a route (RFC 6750): it reads the Authorization header, has the token checked, sees that it carries the
 * scope that the route needs, and gives the handler a `CurrentAccess`. Whoever does not pass is told how to.
 *
 * @example
 * const Notes = HttpLayerRouter.add("GET", "/notes", Effect.map(CurrentAccess, ({ subject }) => …)).pipe(
 *   Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))
 * )
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { InsufficientScope, MissingToken, type OAuthError } from "../domain/OAuthError.js"
import * as Resource from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"
import { type Access, CurrentAccess } from "../services/CurrentAccess.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { TokenVerifier } from "../services/TokenVerifier.js"
import * as AuthorizationHeader from "./AuthorizationHeader.js"
import * as Endpoint from "./Endpoint.js"
import { metadataUrl } from "./ProtectedResourceEndpoint.js"
import * as Wire from "./Wire.js"

/** What a guard asks for. */
export interface Options {
  /** All of them are needed. What an operation needs beyond them is asked for by `requireScope`. */
  readonly scopes: ReadonlyArray<string>
  /** Whose tokens may pass: people's, unless clients that act for themselves are named too. */
  readonly principals?: ReadonlyArray<Access["principal"]>
  /** The resource that the route belongs to; may be left out where there is only one. */
  readonly resource?: string
}

/** The guard names a resource that the server does not have, or does not say which of several it means. */
export class UnknownResource extends Data.TaggedError("UnknownResource")<{ readonly message: string }> {}

/** Which resource a guard is of. */
const resourceOf = (options: Options) =>
  Effect.flatMap(ServerSettings, ({ resources }) => {
    const meant =
      options.resource === undefined
        ? resources.length === 1
          ? resources[0]
          : undefined
        : Resource.find(resources, options.resource)
    return meant === undefined
      ? new UnknownResource({
          message:
            options.resource === undefined
              ? "BearerAuth needs to be told which of the resources it guards"
              : `BearerAuth guards ${options.resource}, which is none of the resources`
        })
      : Effect.succeed(meant)
  })

/** The access that a request has, if it may pass. */
const check = (
  request: HttpServerRequest.HttpServerRequest,
  verifier: TokenVerifier["Type"],
  resource: Resource.Resource,
  { principals = ["User"], scopes }: Options
): Effect.Effect<Access, OAuthError> =>
  Effect.gen(function* () {
    yield* AuthorizationHeader.refuseRepeated(request)
    const token = yield* AuthorizationHeader.bearer(request)
    if (Option.isNone(token)) {
      return yield* new MissingToken({ reason: "NoAuthorization", description: "there is no access token" })
    }
    const access = yield* verifier.verify(token.value, resource.uri)
    if (!principals.includes(access.principal)) {
      return yield* new InsufficientScope({
        reason: "WrongPrincipal",
        description: "the access token is not of a person",
        required: scopes
      })
    }
    yield* requireOf(access, scopes)
    return access
  })

const requireOf = (access: Access, scopes: ReadonlyArray<string>): Effect.Effect<void, InsufficientScope> =>
  Scope.isSubset(Scope.make(...scopes), access.scope)
    ? Effect.void
    : new InsufficientScope({
        reason: "ScopeMissing",
        description: "the access token does not carry the scope that this needs",
        required: scopes
      })

const isInsufficientScope = Schema.is(InsufficientScope)

/** Inside a guarded handler: fails unless the access carries these scopes too. `challenge` renders the failure. */
export const requireScope = (...scopes: ReadonlyArray<string>): Effect.Effect<void, InsufficientScope, CurrentAccess> =>
  Effect.flatMap(CurrentAccess, (access) => requireOf(access, scopes))

/** Responses to one person are not for shared caches (RFC 9111 §3.5). */
const notShared = (response: HttpServerResponse.HttpServerResponse) =>
  response.headers["cache-control"] === undefined
    ? HttpServerResponse.setHeaders(response, { "cache-control": "private, no-store", vary: "Authorization" })
    : response

/**
 * Guards the routes it is provided to. `InsufficientScope` that their handlers fail with (see `requireScope`) is
 * answered here too, as a 403 that names the scope (RFC 6750 §3.1).
 */
export const layer = (options: Options) =>
  HttpLayerRouter.middleware<{ provides: CurrentAccess }>()(
    Effect.gen(function* () {
      const verifier = yield* TokenVerifier
      const { issuer } = yield* ServerSettings
      const resource = yield* resourceOf(options)
      const challenge = (error: OAuthError) => {
        // A fault of ours is no matter of the token: the client must keep it.
        if (Wire.status(error) >= 500) return Effect.as(Endpoint.log(resource.uri, error), Wire.toJson(error, issuer))
        const required = error._tag === "InsufficientScope" ? error.required : []
        return Effect.as(
          Effect.annotateLogs(Effect.logDebug("refused"), { error: error._tag, reason: error.reason }),
          Wire.toChallenge(error, {
            resourceMetadata: metadataUrl(resource),
            // All that the operation needs: a client that asked for less would come back without the rest.
            scope: Array.from(new Set([...options.scopes, ...required]))
          })
        )
      }
      return (handler) =>
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const checked = check(request, verifier, resource, options).pipe(
            Effect.catchAllDefect((defect) => Effect.flip(Endpoint.incident(resource.uri, defect)))
          )
          return yield* Effect.matchEffect(checked, {
            onFailure: challenge,
            onSuccess: (access) =>
              Effect.provideService(handler, CurrentAccess, access).pipe(
                Effect.catchAll((error: unknown) =>
                  isInsufficientScope(error) ? challenge(error) : Effect.fail(error as HttpLayerRouter.unhandled)
                ),
                Effect.map(notShared)
              )
          })
        })
    })
  ).layer
