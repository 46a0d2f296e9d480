/**
 * The check behind every form of the guard (RFC 6750): it reads the Authorization header, has the token checked, and
 * sees that it carries the scope that is needed. Whoever does not pass is told how to. `BearerAuth` puts it before
 * routes, `BearerAuthApi` before an `HttpApi`, and `layers/Guard` into one function.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Actor } from "../domain/Event.js"
import {
  InsufficientScope,
  type InvalidRequest,
  InvalidToken,
  MissingToken,
  type ServerError,
  type TemporarilyUnavailable
} from "../domain/OAuthError.js"
import * as Resource from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"
import type { Access } from "../services/CurrentAccess.js"
import * as Metrics from "../services/Metrics.js"
import { identify } from "../services/Origin.js"
import { Resources } from "../services/Resources.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { TokenVerifier } from "../services/TokenVerifier.js"
import * as AuthorizationHeader from "./AuthorizationHeader.js"
import * as Edge from "./Edge.js"
import * as Endpoint from "./Endpoint.js"
import { metadataUrl } from "./ProtectedResourceEndpoint.js"
import * as Wire from "./Wire.js"

/** What a guard asks for. */
export interface Options {
  /** All of them are needed. What an operation needs beyond them is asked for by `requireScope`. */
  readonly scopes: ReadonlyArray<string>
  /** Whose tokens may pass: people's, unless clients that act for themselves are named too. */
  readonly principals?: ReadonlyArray<Access["principal"]> | undefined
  /**
   * The resource that is guarded; may be left out where the settings have only one. One that is not in the settings is
   * looked up at each request, since the operator may make and delete it: without it, nobody passes.
   */
  readonly resource?: string | undefined
}

/** The guard's resource is no URL, or it does not say which of several it means. */
export class UnknownResource extends Data.TaggedError("UnknownResource")<{ readonly message: string }> {}

/** Why a request does not pass. */
export type Refusal =
  | InvalidRequest
  | MissingToken
  | InvalidToken
  | InsufficientScope
  | TemporarilyUnavailable
  | ServerError

/** A guard at work. */
export interface Guard {
  /** The access that a request has, if it may pass. */
  readonly check: (request: AuthorizationHeader.Carrier) => Effect.Effect<Access, Refusal>
  /** What a refusal is answered with: a challenge (RFC 6750 §3), or JSON for a fault of ours. */
  readonly answer: (refusal: Refusal) => Effect.Effect<HttpServerResponse.HttpServerResponse>
  /** What the requests that it meets have around them. */
  readonly edge: Edge.Edge
}

/** What is guarded: its URI never changes, while it may come and go. */
interface Guarded {
  readonly resource: Resource.Resource
  readonly exists: Effect.Effect<boolean, TemporarilyUnavailable>
}

const guarded = (name: string | undefined): Effect.Effect<Guarded, UnknownResource, ServerSettings | Resources> =>
  Effect.gen(function* () {
    const { resources: configured } = yield* ServerSettings
    const [only, ...others] = configured
    if (name === undefined) {
      return only !== undefined && others.length === 0
        ? { resource: only, exists: Effect.succeed(true) }
        : yield* new UnknownResource({ message: "BearerAuth needs to be told which of the resources it guards" })
    }
    const meant = Resource.find(configured, name)
    if (meant !== undefined) return { resource: meant, exists: Effect.succeed(true) }

    const uri = Schema.decodeOption(Resource.ResourceIndicator)(name)
    if (Option.isNone(uri)) {
      return yield* new UnknownResource({ message: `BearerAuth guards ${name}, which is not a resource's URL` })
    }
    const { all } = yield* Resources
    const exists = Effect.map(all, (known) => known.some((resource) => resource.uri === uri.value))
    // A store that does not answer now is no reason not to start.
    if (!(yield* Effect.orElseSucceed(exists, () => true))) {
      yield* Effect.annotateLogs(Effect.logWarning("a guarded resource does not exist, so nobody passes"), {
        resource: uri.value
      })
    }
    return { resource: { uri: uri.value, scopes: {} }, exists }
  })

/** What refusals are counted under: every guard alike, since a resource is known by a URL. */
const counted = "guard"

/** Makes a guard. Fails when it cannot be told what it guards. */
export const make = (
  options: Options
): Effect.Effect<Guard, UnknownResource, ServerSettings | Resources | TokenVerifier> =>
  Effect.gen(function* () {
    const { principals = ["User"], scopes } = options
    const verifier = yield* TokenVerifier
    const settings = yield* ServerSettings
    const { issuer } = settings
    const edge = Edge.of(settings)
    const { exists, resource } = yield* guarded(options.resource)
    const { headers } = edge
    const resourceMetadata = metadataUrl(resource)

    const check = Effect.fnUntraced(
      function* (request: AuthorizationHeader.Carrier) {
        yield* AuthorizationHeader.refuseRepeated(request)
        const token = yield* AuthorizationHeader.bearer(request)
        if (Option.isNone(token)) {
          return yield* new MissingToken({ reason: "NoAuthorization", description: "there is no access token" })
        }
        const access = yield* verifier.verify(token.value, resource.uri)
        if (!(yield* exists)) {
          return yield* new InvalidToken({ reason: "WrongAudience", description: "the resource does not exist" })
        }
        if (!principals.includes(access.principal)) {
          return yield* new InsufficientScope({
            reason: "WrongPrincipal",
            description: "the access token is not of a person",
            required: scopes
          })
        }
        yield* requireOf(access, scopes)
        yield* identify(actorOf(access))
        return access
      },
      Effect.catchAllDefect((defect) => Effect.flip(Endpoint.incident(resource.uri, defect)))
    )

    const answer = (refusal: Refusal) => {
      // A fault of ours is no matter of the token: the client must keep it.
      if (Wire.status(refusal) >= 500)
        return Effect.as(
          Effect.annotateLogs(Endpoint.log(counted, refusal), { resource: resource.uri }),
          HttpServerResponse.setHeaders(Wire.toJson(refusal, issuer), headers)
        )
      const required = refusal._tag === "InsufficientScope" ? refusal.required : []
      return Effect.as(
        Effect.zipRight(
          Effect.annotateLogs(Effect.logDebug("refused"), { error: refusal._tag, reason: refusal.reason }),
          Metric.update(Metrics.refusals, { endpoint: counted, error: refusal })
        ),
        HttpServerResponse.setHeaders(
          Wire.toChallenge(refusal, {
            resourceMetadata,
            // All that the operation needs: a client that asked for less would come back without the rest.
            scope: Array.from(new Set([...scopes, ...required]))
          }),
          headers
        )
      )
    }

    return { check, answer, edge }
  })

/** Whoever acts by an access token: a person through a client, or a client by itself. */
const actorOf = ({ clientId, principal, subject }: Access): Actor =>
  principal === "User" ? { _tag: "Person", subject, clientId } : { _tag: "Client", clientId, isAuthenticated: true }

/** Fails unless the access carries these scopes. */
export const requireOf = (access: Access, scopes: ReadonlyArray<string>): Effect.Effect<void, InsufficientScope> =>
  Scope.isSubset(Scope.make(...scopes), access.scope)
    ? Effect.void
    : new InsufficientScope({
        reason: "ScopeMissing",
        description: "the access token does not carry the scope that this needs",
        required: scopes
      })

/** Responses to one person are not for shared caches (RFC 9111 §3.5). */
export const notShared = (response: HttpServerResponse.HttpServerResponse) =>
  response.headers["cache-control"] === undefined
    ? HttpServerResponse.setHeaders(response, { "cache-control": "private, no-store", vary: "Authorization" })
    : response
