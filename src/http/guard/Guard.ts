/**
 * The check behind every form of the guard (RFC 6750): it reads the Authorization header, has the token checked, and
 * sees that it carries the scope that is needed. Whoever does not pass is told how to. `BearerAuth` puts it before
 * routes, `BearerAuthApi` before an `HttpApi`, and `layers/Guard` into one function.
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

/** What a guard asks for. */
export interface Options {
  /** All of them are needed. What an operation needs beyond them is asked for by `requireScope`. */
  readonly scopes: ReadonlyArray<string>
  /**
   * Scopes that a request without a good token is told to ask for, beside `scopes`: those that other operations of the
   * resource need. A client that cannot ask for more later (MCP calls it step-up) then gets all it will need at once.
   */
  readonly challengeScopes?: ReadonlyArray<string> | undefined
  /** Whose tokens may pass: people's, unless clients that act for themselves are named too. */
  readonly principals?: ReadonlyArray<Access["principal"]> | undefined
  /**
   * The resource that is guarded; may be left out where the settings have only one, or have none and the storage has only
   * one. One that is not in the settings is looked up at each request, since the operator may make and delete it: without
   * it, nobody passes.
   */
  readonly resource?: string | undefined
}

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
  /** Logs and counts a refusal, and returns the headers of its response: a challenge (RFC 6750 §3) unless the server failed. */
  readonly refuse: (refusal: Refusal) => Effect.Effect<Readonly<Record<string, string>>>
  /** Refuses, and returns the response. */
  readonly answer: (refusal: Refusal) => Effect.Effect<HttpServerResponse.HttpServerResponse>
  /** What the requests that it meets have around them. */
  readonly edge: Edge.Edge
}

/** What a guard stands on: the services of an authorization server. */
export type Requirements = ServerSettings | Resources | TokenVerifier

/** The guard as messages call it: by what made it, and the scopes that it asks for. */
const called = (name: string, { scopes }: Options): string =>
  scopes.length === 0 ? `${name} without scopes` : `${name} with the scopes ${JSON.stringify(scopes)}`

/** What refusals are counted under: every guard alike, since a resource is known by a URL. */
const counted = "guard"

/** Whose tokens these are, as descriptions call them. */
const tokensOf = { User: "tokens of people", Client: "tokens that clients get for themselves" } as const

/** What makes a guard, and what it does about a resource that does not exist. */
export interface Making {
  /** What the app calls the guard, for messages. */
  readonly name: string
  /** Whether a resource that does not exist is an error, as where no operator is awaited; false if not given (ADR 17). */
  readonly mustExist?: boolean | undefined
  /** Whether the app cannot change the options, as those of our own API: no log line advises it to; false if not given. */
  readonly isFixed?: boolean | undefined
}

/**
 * Makes a guard. Fails when it does not know what it guards, and when the resource does not offer a scope that it asks
 * for.
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

    /** Names the option that accepts such tokens, for whoever wrote the guard; the caller learns only that they are refused. */
    const logWrongPrincipal = (principal: Access["principal"]) =>
      Effect.annotateLogs(
        Effect.logWarning(
          `access token refused: ${guard} takes only ${principals.map((one) => tokensOf[one]).join(" and ")}${
            isFixed
              ? ""
              : `; its option principals: ${JSON.stringify([...principals, principal])} takes ${tokensOf[principal]} too`
          }`
        ),
        { resource: uri, principal }
      )
    const once = { User: OncePerServer.make(), Client: OncePerServer.make() }

    /** Logs scopes that a route needs and that its resource does not offer: no client can get them. */
    const noticed = new Set<string>()
    const noticeNotOffered = Effect.fnUntraced(function* (required: ReadonlyArray<string>) {
      const news = required.filter((token) => !noticed.has(token))
      if (news.length === 0) return
      const resource = yield* Effect.orElseSucceed(current, () => undefined)
      if (resource === undefined) return
      for (const token of news) noticed.add(token)
      const sentence = OfferedScopes.notOffered(news, resource)
      if (sentence === undefined) return
      yield* Effect.logWarning(`a route behind ${guard} needs a scope that nobody can get: ${sentence}`)
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
      // The token is not at fault: the client must keep it.
      if (Wire.status(refusal) >= 500) {
        return Effect.as(Effect.annotateLogs(Refusals.log(counted, refusal), { resource: uri }), {
          ...Wire.jsonHeaders(refusal, issuer),
          ...edge.headers
        })
      }
      const further = refusal._tag === "InsufficientScope" ? refusal.required : challengeScopes
      // All that the operation needs: a client that asked for less would come back without the rest.
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

/** Whoever acts by an access token: a person through a client, or a client by itself. */
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

/** Responses to one person are not for shared caches (RFC 9111 §3.5). */
export const notShared = (response: HttpServerResponse.HttpServerResponse) =>
  response.headers["cache-control"] === undefined
    ? HttpServerResponse.setHeaders(response, { "cache-control": "private, no-store", vary: "Authorization" })
    : response
