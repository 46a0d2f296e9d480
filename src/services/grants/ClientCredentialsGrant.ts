/** `grant_type=client_credentials` (RFC 6749 §4.4): a token for the client itself. It writes nothing. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import { InvalidScope, type InvalidTarget, UnauthorizedClient } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as GrantTypes from "../GrantTypes.js"
import * as PermittedScopes from "../PermittedScopes.js"
import * as RequestedResources from "../resources/RequestedResources.js"
import { Resources } from "../resources/Resources.js"
import { ScopePolicy } from "../ScopePolicy.js"
import * as Spans from "../Spans.js"
import { AccessTokens } from "../tokens/AccessTokens.js"
import { tokenResponse } from "./TokenAnswer.js"

/** The parameters of a request (RFC 6749 §4.4.2, RFC 8707 §2.2). */
interface Request {
  readonly scope: string | undefined
  readonly resource: ReadonlyArray<string>
}

const read = (parameters: Parameters.Parameters): Either.Either<Request, never> =>
  Either.right({
    scope: Parameters.first(parameters, "scope"),
    resource: Parameters.all(parameters, "resource")
  })

const notRegistered = new InvalidScope({
  reason: "NotAllowed",
  description: "the scope is not registered for this client"
})

/** The resources that the request names; by default those that offer anything that the client may have. */
const audienceOf = (
  known: ReadonlyArray<Resource.Resource>,
  indicators: ReadonlyArray<string>,
  scope: Scope.Scope,
  client: Client.Client
): Either.Either<Arr.NonEmptyReadonlyArray<Resource.Resource>, InvalidScope | InvalidTarget> => {
  const mayHave = (resource: Resource.Resource) => !Scope.isEmpty(Client.allowedAt(client, resource))
  return Either.flatMap(RequestedResources.named(known, indicators), (named): ReturnType<typeof audienceOf> => {
    const audience = Option.getOrElse(named, () => RequestedResources.defaultsForClient(known, scope).filter(mayHave))
    return Arr.isNonEmptyReadonlyArray(audience)
      ? Either.map(RequestedResources.requireCompatible(audience), () => audience)
      : Either.left(notRegistered)
  })
}

/** The requested tokens that some resource offers (RFC 6749 §3.3). Fails where the client may not have one of them. */
const readScope = (
  text: string,
  client: Client.Client,
  known: ReadonlyArray<Resource.Resource>
): Either.Either<Scope.Scope, InvalidScope> =>
  Either.flatMap(Parameters.scope(text), (tokens) => {
    const offered = Resource.offered(known)
    const scope = Scope.intersection(tokens, offered)
    return Scope.isSubset(scope, ResourceScopes.scope(Client.allowed(client, known)))
      ? Either.right(scope)
      : Either.left(notRegistered)
  })

/** Checks the client, its resources and its scope, and issues an access token. */
export const make = Effect.gen(function* () {
  const tokens = yield* AccessTokens
  const resources = yield* Resources
  const policy = yield* ScopePolicy
  return Spans.fn("ClientCredentialsGrant.handle")(function* (request: Request, client: Client.Client) {
    Spans.annotate({ clientId: client.id })
    // No user consents here, so the client must keep a secret, and the operator must have registered it.
    if (!Client.isConfidential(client) || client.origin !== "Operator") {
      return yield* new UnauthorizedClient({
        reason: "GrantTypeNotRegistered",
        description: "the client may not use client_credentials"
      })
    }
    const known = yield* resources.all
    const requested = request.scope === undefined ? undefined : yield* readScope(request.scope, client, known)
    const audience = yield* audienceOf(known, request.resource, requested ?? Scope.empty, client)
    const allowed = Client.allowed(client, audience)
    const candidates =
      requested === undefined
        ? allowed
        : ResourceScopes.intersection(ResourceScopes.offeredBy(audience, requested), allowed)
    if (ResourceScopes.isWithoutScope(candidates)) return yield* notRegistered
    const asker = { client, subject: Option.none(), account: Option.none() }
    const permitted = yield* PermittedScopes.ask(policy, asker, audience, candidates)
    if (ResourceScopes.isWithoutScope(permitted)) {
      return yield* new InvalidScope({ reason: "NotPermitted", description: "no requested scope is permitted" })
    }
    const issued = yield* tokens.issueToClient(client, permitted)
    const scope = ResourceScopes.scope(ResourceScopes.expanded(permitted, audience))
    // RFC 6749 §4.4.3: there is no refresh token.
    return tokenResponse({ ...issued, scope }, Option.none())
  })
})

/** The client credentials grant. */
export const layer = Layer.unwrapEffect(
  Effect.map(make, (handle) => GrantTypes.layerBuiltIn({ grantType: "client_credentials", read, handle }))
)
