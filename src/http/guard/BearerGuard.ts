/**
 * The check behind every form of the guard (RFC 6750): it reads the Authorization header, verifies the token, and requires the
 * scope that the operation needs. A refusal says how to get a token. `BearerAuth` guards routes with it, `BearerAuthApi` an
 * `HttpApi`, and `layers/Guard` makes a function of it.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import type * as Redacted from "effect/Redacted"
import type { Actor } from "../../domain/Event.js"
import {
  InsufficientScope,
  type InvalidRequest,
  InvalidToken,
  MissingToken,
  type ServerError,
  type TemporarilyUnavailable
} from "../../domain/OAuthError.js"
import * as Metrics from "../../services/events/Metrics.js"
import { identify } from "../../services/events/Origin.js"
import * as Fibers from "../../services/Fibers.js"
import type { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type { Access } from "../../services/tokens/CurrentAccess.js"
import { TokenVerifier } from "../../services/tokens/TokenVerifier.js"
import { metadataUrl } from "../oauth/ProtectedResourceEndpoint.js"
import * as AuthorizationHeader from "../wire/AuthorizationHeader.js"
import * as Edge from "../wire/Edge.js"
import * as Refusals from "../wire/Refusals.js"
import * as Wire from "../wire/Wire.js"
import * as AcceptedPrincipals from "./AcceptedPrincipals.js"
import type { UnknownResource } from "./GuardedResource.js"
import * as GuardedResource from "./GuardedResource.js"
import type { UnknownScope } from "./OfferedScopes.js"
import * as OfferedScopes from "./OfferedScopes.js"

/** The requirements of a guard. */
export interface Options {
  /** The scopes that every request needs. An operation requires further ones by `requireScope`. */
  readonly scopes: ReadonlyArray<string>
  /**
   * Scopes that the challenge names in addition to `scopes`: those that other operations of the resource need. A client that
   * cannot request more scope later (MCP calls it step-up) then gets the whole scope at once.
   */
  readonly challengeScopes?: ReadonlyArray<string> | undefined
  /** The kinds of tokens that pass: those of users if not given. `Client` is a client that acts for itself. */
  readonly principals?: ReadonlyArray<Access["principal"]> | undefined
  /**
   * The guarded resource. It may be left out if the settings have exactly one, or have none and the storage has exactly one. A
   * resource that is not in the settings is looked up at each request, because the operator may create and delete it. While
   * it does not exist, no request passes.
   */
  readonly resource?: string | undefined
  /** A name for errors and log lines, such as the path of the routes: useful if several guards require the same scopes. */
  readonly name?: string | undefined
}

/** The reasons for which a request does not pass. */
export type Refusal =
  | InvalidRequest
  | MissingToken
  | InvalidToken
  | InsufficientScope
  | TemporarilyUnavailable
  | ServerError

/** A guard. */
export interface Guard {
  /** Returns the access of a request, or fails if it does not pass. */
  readonly check: (request: AuthorizationHeader.Carrier) => Effect.Effect<Access, Refusal>
  /**
   * As `check`, without an effect, for a request that passes; `undefined` if only `check` can tell. Where a tracer is installed,
   * `check` has the span of the request.
   */
  readonly peek: (request: AuthorizationHeader.Carrier, isTraced: boolean) => Access | undefined
  /** Answers a request: with `handle` if it passes, and with a refusal if it does not. */
  readonly around: <E, R>(
    request: AuthorizationHeader.Carrier,
    handle: (access: Access) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  /** Logs and counts a refusal, and returns the headers of its response: a challenge (RFC 6750 §3) unless the server failed. */
  readonly refuse: (refusal: Refusal) => Effect.Effect<Readonly<Record<string, string>>>
  /** Refuses, and returns the response. */
  readonly answer: (refusal: Refusal) => Effect.Effect<HttpServerResponse.HttpServerResponse>
  /** Runs the requests that it checks. */
  readonly edge: Edge.Edge
  /** Returns the guarded resource; `undefined` while it does not exist. */
  readonly resource: GuardedResource.GuardedResource["current"]
  /** The URL of the metadata of the resource. */
  readonly metadataUrl: string
}

/** The services of an authorization server that a guard uses. */
export type Requirements = ServerSettings | Resources | TokenVerifier

/** Returns the name of the guard for messages, with the scopes that it requires. */
const called = (name: string, { name: own, scopes }: Options): string => {
  const named = own === undefined ? name : `${name} ${JSON.stringify(own)}`
  return scopes.length === 0 ? `${named} without scopes` : `${named} with the scopes ${JSON.stringify(scopes)}`
}

/** The endpoint under which refusals of all guards are counted: a resource is a URL, which is not from a closed set. */
const counted = "guard"

/** The maker of a guard. */
export interface Making {
  /** The name by which the app knows the guard, for messages. */
  readonly name: string
  /** Whether a missing resource is an error, as where no operator will create it; false if not given (ADR 17). */
  readonly mustExist?: boolean | undefined
  /** Whether the app cannot change the options, as for our API, so that no log line advises it to; false if not given. */
  readonly isFixed?: boolean | undefined
  /** Scopes that operations behind the guard need. The resource must offer them; the guard does not require them. */
  readonly operationScopes?: ReadonlyArray<string> | undefined
}

/**
 * Makes a guard. Fails if the guarded resource is not known, and if the resource does not offer a scope that the guard
 * requires.
 */
export const make = (
  options: Options,
  { isFixed = false, mustExist = false, name, operationScopes = [] }: Making
): Effect.Effect<Guard, UnknownResource | UnknownScope, Requirements> =>
  Effect.gen(function* () {
    const { challengeScopes = [], principals = ["User"], scopes } = options
    const verifier = yield* TokenVerifier
    const settings = yield* ServerSettings
    const { issuer } = settings
    const edge = Edge.make(settings)
    const guard = called(name, options)
    const guarded = yield* GuardedResource.find({ guard, name: options.resource, mustExist })
    yield* OfferedScopes.requireAll(guard, [...scopes, ...challengeScopes, ...operationScopes], guarded)
    const { current, uri } = guarded
    const resourceMetadata = metadataUrl({ uri })

    const accepted = AcceptedPrincipals.make({ guard, accepted: principals, scopes, uri, isFixed }, settings)

    /** Logs scopes that a route needs and that its resource does not offer, so that no client can get them. */
    const noticed = new Set<string>()
    const noticeNotOffered = Effect.fnUntraced(function* (news: ReadonlyArray<string>) {
      const resource = yield* Effect.orElseSucceed(current, () => undefined)
      if (resource === undefined) return
      for (const token of news) noticed.add(token)
      const sentence = OfferedScopes.notOffered(news, resource)
      if (sentence === undefined) return
      yield* Effect.logWarning(`a route behind ${guard} needs a scope that no client can get: ${sentence}`)
    })

    /** Reads the token of a request. */
    const parse = (
      request: AuthorizationHeader.Carrier
    ): Either.Either<Redacted.Redacted, InvalidRequest | MissingToken> => {
      const repeated = AuthorizationHeader.refuseRepeated(request)
      if (Either.isLeft(repeated)) return Either.left(repeated.left)
      const token = AuthorizationHeader.bearer(request)
      return Either.isLeft(token) ? Either.left(token.left) : Either.fromOption(token.right, () => noToken)
    }

    const requireExistence = (access: Access): Effect.Effect<Access, InvalidToken | TemporarilyUnavailable> =>
      Effect.flatMap(current, (resource) => (resource === undefined ? notThere : Effect.succeed(access)))

    const verify = (token: Redacted.Redacted): Effect.Effect<Access, InvalidToken | TemporarilyUnavailable> =>
      guarded.isConfigured ? verifier.verify(token, uri) : Effect.flatMap(verifier.verify(token, uri), requireExistence)

    /** As `verify`, where an exception of the app's own verifier is a defect. */
    const verifyNow = (token: Redacted.Redacted): ReturnType<typeof verify> => {
      try {
        return verify(token)
      } catch (defect) {
        return Effect.die(defect)
      }
    }

    /** Returns why an access is not enough for the operation; `undefined` if it is. */
    const objection = (access: Access): InsufficientScope | undefined => {
      const kind = accepted.objection(access.principal)
      if (kind !== undefined) return kind
      const required = requireOf(access, scopes)
      if (Either.isLeft(required)) return required.left
      identify(actorOf(access))
      return undefined
    }

    const { peek: peekToken = () => undefined } = verifier
    const peek: Guard["peek"] = (request, isTraced) => {
      if (isTraced) return undefined
      const token = parse(request)
      const access = Either.isRight(token) ? peekToken(token.right, uri) : undefined
      return access === undefined || objection(access) !== undefined ? undefined : access
    }

    const incident = (defect: unknown): Effect.Effect<ServerError> => Refusals.incident(uri, defect)

    const check = (request: AuthorizationHeader.Carrier): Effect.Effect<Access, Refusal> =>
      Effect.catchAllDefect(
        Effect.flatMap(
          Effect.flatMap(
            Effect.suspend(() => parse(request)),
            verify
          ),
          (access): Effect.Effect<Access, InsufficientScope> => {
            const refusal = objection(access)
            return refusal === undefined ? Effect.succeed(access) : Effect.zipRight(accepted.warn(refusal), refusal)
          }
        ),
        (defect) => Effect.flip(incident(defect))
      )

    const refuse = (refusal: Refusal): Effect.Effect<Readonly<Record<string, string>>> => {
      // The server failed: the client must keep its token.
      if (Wire.status(refusal) >= 500) {
        return Effect.as(Effect.annotateLogs(Refusals.log(counted, refusal), { resource: uri }), {
          ...Wire.jsonHeaders(refusal, issuer),
          ...edge.headers
        })
      }
      const [further, held = []] =
        refusal._tag === "InsufficientScope" ? [refusal.required, refusal.held] : [challengeScopes]
      // The whole scope of the operation, and what the client has here: its next request names this scope, and a client that
      // does not remember its earlier scope would lose it (MCP 2026-07-28, Step-Up Authorization Flow).
      const scope = Array.from(new Set([...scopes, ...further, ...held]))
      const headers = { ...Wire.challengeHeaders(refusal, { resourceMetadata, scope }), ...edge.headers }
      return Fibers.withFiber((fiber) => {
        Metrics.countRefusal({ endpoint: counted, error: refusal })
        const news = further.filter((token) => !noticed.has(token))
        const tasks = [
          ...(news.length === 0 ? [] : [noticeNotOffered(news)]),
          ...(!Fibers.isLogged(fiber, LogLevel.Debug)
            ? []
            : [
                Effect.annotateLogs(Effect.logDebug("guarded request refused"), {
                  error: refusal._tag,
                  reason: refusal.reason
                })
              ])
        ]
        return tasks.length === 0 ? Effect.succeed(headers) : Effect.as(Effect.all(tasks, { discard: true }), headers)
      })
    }

    const answer = (refusal: Refusal) => Effect.map(refuse(refusal), (headers) => Wire.toResponse(refusal, headers))

    const around: Guard["around"] = (request, handle) => {
      const token = parse(request)
      if (Either.isLeft(token)) return answer(token.left)
      return Effect.matchCauseEffect(verifyNow(token.right), {
        onFailure: (cause) =>
          Refusals.recover(cause, { onError: answer, onDefect: (defect) => Effect.flatMap(incident(defect), answer) }),
        onSuccess: (access) => {
          const refusal = objection(access)
          return refusal === undefined ? handle(access) : Effect.zipRight(accepted.warn(refusal), answer(refusal))
        }
      })
    }

    return { around, check, peek, refuse, answer, edge, resource: current, metadataUrl: resourceMetadata }
  })

/** Returns the actor of an access: a user through a client, or a client by itself. */
const actorOf = ({ clientId, principal, subject }: Access): Actor =>
  principal === "User" ? { _tag: "Person", subject, clientId } : { _tag: "Client", clientId, isAuthenticated: true }

/**
 * Runs when `requireScope` fails, before the failure reaches the guard: nothing unless a guard that sees no failure of its
 * handlers, as that of an `HttpApi`, sets it for its request.
 */
export const onInsufficientScope = FiberRef.unsafeMake((_: InsufficientScope): Effect.Effect<void> => Effect.void)

/** Fails unless the access carries these scopes. */
export const requireOf = (access: Access, scopes: ReadonlyArray<string>): Either.Either<void, InsufficientScope> =>
  scopes.every((token) => access.scope.has(token))
    ? Either.void
    : Either.left(
        new InsufficientScope({
          reason: "ScopeMissing",
          description: "the access token does not carry the scope that this needs",
          required: scopes,
          held: Array.from(access.scope)
        })
      )

const noToken = new MissingToken({ reason: "NoAuthorization", description: "there is no access token" })

const notThere = new InvalidToken({ reason: "WrongAudience", description: "the resource does not exist" })

/** Keeps a response to one user out of shared caches (RFC 9111 §3.5). */
export const notShared = (response: HttpServerResponse.HttpServerResponse) =>
  response.headers["cache-control"] === undefined
    ? HttpServerResponse.setHeader(
        HttpServerResponse.setHeader(response, "cache-control", "private, no-store"),
        "vary",
        "Authorization"
      )
    : response
