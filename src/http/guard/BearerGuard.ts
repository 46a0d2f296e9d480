/**
 * The check behind every form of the guard (RFC 6750): it reads the Authorization header, verifies the token, and requires the
 * scope that the operation needs. A refusal says how to get a token. `BearerAuth` guards routes with it, `BearerAuthApi` an
 * `HttpApi`, and `layers/Guard` makes a function of it.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import type { Actor } from "../../domain/Event.js"
import {
  InsufficientScope,
  type InvalidRequest,
  InvalidToken,
  MissingToken,
  type ServerError,
  type TemporarilyUnavailable
} from "../../domain/OAuthError.js"
import * as Scope from "../../domain/Scope.js"
import { identify } from "../../services/events/Origin.js"
import type { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type { Access } from "../../services/tokens/CurrentAccess.js"
import { TokenVerifier } from "../../services/tokens/TokenVerifier.js"
import { metadataUrl } from "../oauth/ProtectedResourceEndpoint.js"
import * as AuthorizationHeader from "../wire/AuthorizationHeader.js"
import * as Edge from "../wire/Edge.js"
import * as OncePerServer from "../wire/OncePerServer.js"
import * as Refusals from "../wire/Refusals.js"
import * as Wire from "../wire/Wire.js"
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
  /** Logs and counts a refusal, and returns the headers of its response: a challenge (RFC 6750 §3) unless the server failed. */
  readonly refuse: (refusal: Refusal) => Effect.Effect<Readonly<Record<string, string>>>
  /** Refuses, and returns the response. */
  readonly answer: (refusal: Refusal) => Effect.Effect<HttpServerResponse.HttpServerResponse>
  /** Runs the requests that it checks. */
  readonly edge: Edge.Edge
}

/** The services of an authorization server that a guard uses. */
export type Requirements = ServerSettings | Resources | TokenVerifier

/** Returns the name of the guard for messages, with the scopes that it requires. */
const called = (name: string, { scopes }: Options): string =>
  scopes.length === 0 ? `${name} without scopes` : `${name} with the scopes ${JSON.stringify(scopes)}`

/** The endpoint under which refusals of all guards are counted: a resource is a URL, which is not from a closed set. */
const counted = "guard"

/** The kinds of tokens, for descriptions. */
const tokensOf = { User: "tokens of users", Client: "tokens that clients get for themselves" } as const

/** The maker of a guard. */
export interface Making {
  /** The name by which the app knows the guard, for messages. */
  readonly name: string
  /** Whether a missing resource is an error, as where no operator will create it; false if not given (ADR 17). */
  readonly mustExist?: boolean | undefined
  /** Whether the app cannot change the options, as for our API, so that no log line advises it to; false if not given. */
  readonly isFixed?: boolean | undefined
}

/**
 * Makes a guard. Fails if the guarded resource is not known, and if the resource does not offer a scope that the guard
 * requires.
 */
export const make = (
  options: Options,
  { isFixed = false, mustExist = false, name }: Making
): Effect.Effect<Guard, UnknownResource | UnknownScope, Requirements> =>
  Effect.gen(function* () {
    const { challengeScopes = [], principals = ["User"], scopes } = options
    const verifier = yield* TokenVerifier
    const settings = yield* ServerSettings
    const { issuer } = settings
    const edge = Edge.make(settings)
    const guard = called(name, options)
    const guarded = yield* GuardedResource.find({ guard, name: options.resource, mustExist })
    yield* OfferedScopes.requireAll(guard, [...scopes, ...challengeScopes], guarded)
    const { current, uri } = guarded
    const resourceMetadata = metadataUrl({ uri })

    /** Logs the option that accepts such tokens, for the author of the app. The caller learns only that they are refused. */
    const logWrongPrincipal = (principal: Access["principal"]) =>
      Effect.annotateLogs(
        Effect.logWarning(
          `access token refused: ${guard} accepts only ${principals.map((one) => tokensOf[one]).join(" and ")}${
            isFixed
              ? ""
              : `; its option principals: ${JSON.stringify([...principals, principal])} accepts ${tokensOf[principal]} too`
          }`
        ),
        { resource: uri, principal }
      )
    const once = { User: OncePerServer.make(), Client: OncePerServer.make() }

    /** Logs scopes that a route needs and that its resource does not offer, so that no client can get them. */
    const noticed = new Set<string>()
    const noticeNotOffered = Effect.fnUntraced(function* (required: ReadonlyArray<string>) {
      const news = required.filter((token) => !noticed.has(token))
      if (news.length === 0) return
      const resource = yield* Effect.orElseSucceed(current, () => undefined)
      if (resource === undefined) return
      for (const token of news) noticed.add(token)
      const sentence = OfferedScopes.notOffered(news, resource)
      if (sentence === undefined) return
      yield* Effect.logWarning(`a route behind ${guard} needs a scope that no client can get: ${sentence}`)
    })

    const check = Effect.fnUntraced(
      function* (request: AuthorizationHeader.Carrier) {
        yield* AuthorizationHeader.refuseRepeated(request)
        const token = yield* AuthorizationHeader.bearer(request)
        if (Option.isNone(token)) {
          return yield* new MissingToken({ reason: "NoAuthorization", description: "there is no access token" })
        }
        const access = yield* verifier.verify(token.value, uri)
        if ((yield* current) === undefined) {
          return yield* new InvalidToken({ reason: "WrongAudience", description: "the resource does not exist" })
        }
        if (!principals.includes(access.principal)) {
          yield* once[access.principal](settings, logWrongPrincipal(access.principal))
          return yield* new InsufficientScope({
            reason: "WrongPrincipal",
            description: `${tokensOf[access.principal]} are not accepted here`,
            required: scopes
          })
        }
        yield* requireOf(access, scopes)
        yield* identify(actorOf(access))
        return access
      },
      Effect.catchAllDefect((defect) => Effect.flip(Refusals.incident(uri, defect)))
    )

    const refuse = (refusal: Refusal): Effect.Effect<Readonly<Record<string, string>>> => {
      // The server failed: the client must keep its token.
      if (Wire.status(refusal) >= 500) {
        return Effect.as(Effect.annotateLogs(Refusals.log(counted, refusal), { resource: uri }), {
          ...Wire.jsonHeaders(refusal, issuer),
          ...edge.headers
        })
      }
      const further = refusal._tag === "InsufficientScope" ? refusal.required : challengeScopes
      // The whole scope of the operation: a client that requested only a part would lack the rest at its next request.
      const scope = Array.from(new Set([...scopes, ...further]))
      return Effect.annotateLogs(Effect.logDebug("guarded request refused"), {
        error: refusal._tag,
        reason: refusal.reason
      }).pipe(
        Effect.zipRight(noticeNotOffered(further)),
        Effect.zipRight(Refusals.count(counted, refusal)),
        Effect.as({ ...Wire.challengeHeaders(refusal, { resourceMetadata, scope }), ...edge.headers })
      )
    }

    const answer = (refusal: Refusal) => Effect.map(refuse(refusal), (headers) => Wire.toResponse(refusal, headers))

    return { check, refuse, answer, edge }
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
export const requireOf = (access: Access, scopes: ReadonlyArray<string>): Effect.Effect<void, InsufficientScope> =>
  Scope.isSubset(Scope.make(...scopes), access.scope)
    ? Effect.void
    : new InsufficientScope({
        reason: "ScopeMissing",
        description: "the access token does not carry the scope that this needs",
        required: scopes
      })

/** Keeps a response to one user out of shared caches (RFC 9111 §3.5). */
export const notShared = (response: HttpServerResponse.HttpServerResponse) =>
  response.headers["cache-control"] === undefined
    ? HttpServerResponse.setHeaders(response, { "cache-control": "private, no-store", vary: "Authorization" })
    : response
