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
import * as UnknownScopes from "../domain/UnknownScope.js"
import type { Access } from "../services/CurrentAccess.js"
import * as Metrics from "../services/Metrics.js"
import { Resources } from "../services/Resources.js"
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
  readonly principals?: ReadonlyArray<Access["principal"]> | undefined
  /**
   * The resource that is guarded; may be left out where the settings have only one. One that is not in the settings is
   * looked up at each request, since the operator may make and delete it: without it, nobody passes.
   */
  readonly resource?: string | undefined
}

/** The guard's resource is no URL, or it does not say which of several it means. */
export class UnknownResource extends Data.TaggedError("UnknownResource")<{ readonly message: string }> {}

/** The guard asks for scopes that its resource does not offer, so nobody could pass. */
export class UnknownScope extends Data.TaggedError("UnknownScope")<{ readonly message: string }> {}

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
}

/** What is guarded: its URI never changes, while it may come and go. */
interface Guarded {
  readonly uri: Resource.ResourceIndicator
  /** The resource as it is now; `undefined` while there is none. */
  readonly current: Effect.Effect<Resource.Resource | undefined, TemporarilyUnavailable>
  /** Whether the settings hold it, so that it stays as it is. */
  readonly isConfigured: boolean
}

/** The guard as an error calls it: by what made it, and the scopes that it asks for. */
const called = (name: string, { scopes }: Options): string =>
  scopes.length === 0 ? `${name} without scopes` : `${name} with the scopes ${JSON.stringify(scopes)}`

const guarded = (options: Options, name: string): Effect.Effect<Guarded, UnknownResource, ServerSettings | Resources> =>
  Effect.gen(function* () {
    const { resources: configured } = yield* ServerSettings
    const [only, ...others] = configured
    const configuredOne = (resource: Resource.Resource): Guarded => ({
      uri: resource.uri,
      current: Effect.succeed(resource),
      isConfigured: true
    })
    if (options.resource === undefined) {
      if (only !== undefined && others.length === 0) return configuredOne(only)
      const known =
        only === undefined
          ? "the settings have none"
          : `the settings have ${configured.map(({ uri }) => uri).join(", ")}`
      const example = only?.uri ?? "https://api.example.com/"
      return yield* new UnknownResource({
        message: `${called(name, options)} does not say which resource it guards, and ${known}: give it the option resource, such as { resource: "${example}" }`
      })
    }
    const meant = Resource.find(configured, options.resource)
    if (meant !== undefined) return configuredOne(meant)

    const uri = Schema.decodeOption(Resource.ResourceIndicator)(options.resource)
    if (Option.isNone(uri)) {
      return yield* new UnknownResource({
        message: `${called(name, options)} guards ${options.resource}, which is not a resource's URL: give its option resource an http or https URL without a fragment`
      })
    }
    const { all } = yield* Resources
    const current = Effect.map(all, (known) => known.find((resource) => resource.uri === uri.value))
    return { uri: uri.value, current, isConfigured: false }
  })

/** A sentence that names scopes which a resource does not offer. */
const notOffered = (unknown: ReadonlyArray<UnknownScopes.UnknownScope>, resource: Resource.Resource): string =>
  `${resource.uri} does not offer the scope ${unknown.map(UnknownScopes.format).join(", ")}; it offers ${Scope.format(Resource.scope(resource))}`

/**
 * Fails where the resource does not offer a scope of the guard. The operator may give a resource beside the settings more
 * scopes while the app runs, so there only a misspelt one is an error, and another one is logged (ADR 17).
 */
const requireOffered = (
  options: Options,
  name: string,
  { current, isConfigured, uri }: Guarded
): Effect.Effect<void, UnknownScope> =>
  Effect.gen(function* () {
    // A store that does not answer now is no reason not to start.
    const found = yield* Effect.option(current)
    if (Option.isNone(found)) return
    const resource = found.value
    if (resource === undefined) {
      return yield* Effect.annotateLogs(Effect.logWarning("a guarded resource does not exist, so nobody passes"), {
        resource: uri
      })
    }
    const unknown = UnknownScopes.find(options.scopes, Resource.scope(resource))
    if (unknown.length === 0) return
    const message = `${called(name, options)}: ${notOffered(unknown, resource)}`
    if (isConfigured || unknown.some(({ nearest }) => nearest !== undefined))
      return yield* new UnknownScope({ message })
    yield* Effect.logWarning(`nobody passes a guard until its resource offers its scopes: ${message}`)
  })

/** What refusals are counted under: every guard alike, since a resource is known by a URL. */
const counted = "guard"

/** Whose tokens these are, as descriptions call them. */
const tokensOf = { User: "tokens of people", Client: "tokens that clients get for themselves" } as const

/** Runs an effect once, however often it is asked for. */
const once = (effect: Effect.Effect<void>): Effect.Effect<void> => {
  let isDone = false
  return Effect.suspend(() => {
    if (isDone) return Effect.void
    isDone = true
    return effect
  })
}

/**
 * Makes a guard. Fails when it cannot be told what it guards, and when the resource does not offer a scope that it asks
 * for. `name` is what errors call it.
 */
export const make = (
  options: Options,
  name = "BearerAuth"
): Effect.Effect<Guard, UnknownResource | UnknownScope, ServerSettings | Resources | TokenVerifier> =>
  Effect.gen(function* () {
    const { principals = ["User"], scopes } = options
    const verifier = yield* TokenVerifier
    const { issuer } = yield* ServerSettings
    const place = yield* guarded(options, name)
    yield* requireOffered(options, name, place)
    const { current, uri } = place
    const resourceMetadata = metadataUrl({ uri })

    /** Says what lets such tokens in, for whoever wrote the guard; the caller is told only that they are refused. */
    const logWrongPrincipal = (principal: Access["principal"]) =>
      Effect.annotateLogs(
        Effect.logWarning(
          `access token refused: ${called(name, options)} takes only ${principals.map((one) => tokensOf[one]).join(" and ")}; its option principals: ${JSON.stringify([...principals, principal])} takes ${tokensOf[principal]} too`
        ),
        { resource: uri, principal }
      )
    const logOnce = { User: once(logWrongPrincipal("User")), Client: once(logWrongPrincipal("Client")) }

    /** Logs scopes that a route needs and that its resource does not offer: no client can get them. */
    const noticed = new Set<string>()
    const noticeNotOffered = Effect.fnUntraced(function* (required: ReadonlyArray<string>) {
      const news = required.filter((token) => !noticed.has(token))
      if (news.length === 0) return
      const resource = yield* Effect.orElseSucceed(current, () => undefined)
      if (resource === undefined) return
      for (const token of news) noticed.add(token)
      const unknown = UnknownScopes.find(news, Resource.scope(resource))
      if (unknown.length === 0) return
      yield* Effect.logWarning(
        `a route behind ${called(name, options)} needs a scope that nobody can get: ${notOffered(unknown, resource)}`
      )
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
          yield* logOnce[access.principal]
          return yield* new InsufficientScope({
            reason: "WrongPrincipal",
            description: `${tokensOf[access.principal]} are not accepted here`,
            required: scopes
          })
        }
        yield* requireOf(access, scopes)
        return access
      },
      Effect.catchAllDefect((defect) => Effect.flip(Endpoint.incident(uri, defect)))
    )

    const answer = (refusal: Refusal) => {
      // A fault of ours is no matter of the token: the client must keep it.
      if (Wire.status(refusal) >= 500)
        return Effect.as(
          Effect.annotateLogs(Endpoint.log(counted, refusal), { resource: uri }),
          Wire.toJson(refusal, issuer)
        )
      const required = refusal._tag === "InsufficientScope" ? refusal.required : []
      return Effect.as(
        Effect.zipRight(
          Effect.annotateLogs(Effect.logDebug("refused"), { error: refusal._tag, reason: refusal.reason }),
          Effect.zipRight(
            noticeNotOffered(required),
            Metric.update(Metrics.refusals, { endpoint: counted, error: refusal })
          )
        ),
        Wire.toChallenge(refusal, {
          resourceMetadata,
          // All that the operation needs: a client that asked for less would come back without the rest.
          scope: Array.from(new Set([...scopes, ...required]))
        })
      )
    }

    return { check, answer }
  })

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
