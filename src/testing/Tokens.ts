/** Access tokens for tests. The services of the server issue them, so every rule of a real token applies. */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Account from "../domain/Account.js"
import { type Client, ClientId } from "../domain/Client.js"
import { CodeVerifier } from "../domain/CodeChallenge.js"
import * as Parameters from "../domain/Parameters.js"
import * as Resource from "../domain/Resource.js"
import * as ResourceScopes from "../domain/ResourceScopes.js"
import * as DomainScope from "../domain/Scope.js"
import { SessionId } from "../domain/Session.js"
import { ResourceOwner } from "../http/browser/ResourceOwner.js"
import { Accounts } from "../services/accounts/Accounts.js"
import { Approvals, Choice } from "../services/authorization/Approvals.js"
import { AuthorizationRequests } from "../services/authorization/AuthorizationRequests.js"
import { ClientRegistration } from "../services/clients/ClientRegistration.js"
import { GrantTypes } from "../services/GrantTypes.js"
import { challengeOf, identifier, randomSecret } from "../services/keys/Crypto.js"
import { Resources } from "../services/resources/Resources.js"
import { ServerClock } from "../services/ServerClock.js"
import { AccountStore, findOwn } from "../services/stores/AccountStore.js"
import { ClientStore } from "../services/stores/ClientStore.js"

/** The access token that a test needs. */
export interface TokenRequest {
  /**
   * The user who allows the access: the username of a built-in account, which is created if there is none, or the subject of
   * a user of the app's own login. Without a user, the client acts for itself (RFC 6749 §4.4).
   */
  readonly user?: string | undefined
  readonly scopes: ReadonlyArray<string>
  /** The resource that the token is for: the default resource if not given. */
  readonly resource?: string | undefined
  /** A registered client that gets the token: a new one if not given. */
  readonly clientId?: string | undefined
}

/** The server issues no such token. `reason` is its error, such as `InvalidScope` or `AccessDenied`. */
export class TokenRefused extends Data.TaggedError("TokenRefused")<{
  readonly reason: string
  readonly message: string
  readonly cause: unknown
}> {}

interface Refusal {
  readonly _tag: string
  readonly error?: Refusal
  readonly description?: string
}

const refused = (cause: Refusal): TokenRefused => {
  const { _tag: reason, description = "" } = cause.error ?? cause
  return new TokenRefused({ reason, message: `the server issues no token: ${reason} (${description})`, cause })
}

/** The consent page of the request would offer none of the scopes. */
const notOffered: Refusal = { _tag: "InvalidScope", description: "no resource offers one of the scopes to this user" }

/** The account of a user, which is created if there is none. */
const findOrCreate = Effect.fnUntraced(function* (user: string) {
  const accounts = yield* Accounts
  const owner = yield* ResourceOwner
  if (owner._tag === "External") return yield* accounts.admit(user)
  const found = yield* findOwn(yield* AccountStore, user)
  if (Option.isSome(found)) return found.value
  const username = yield* Effect.orDie(Schema.decode(Account.NewUsername)(user))
  const password = yield* Effect.orDie(Schema.decode(Account.Password)(Redacted.value(yield* randomSecret())))
  return Option.getOrThrow(yield* accounts.create({ username, password }))
})

/** A client by its id, or a new one that may request every scope. */
const clientOf = Effect.fnUntraced(function* (id: string | undefined, metadata: object) {
  if (id === undefined) {
    const scope = DomainScope.format(Resource.offered(yield* (yield* Resources).all))
    return (yield* (yield* ClientRegistration).create({ client_name: "Test client", scope, ...metadata })).client
  }
  const found = yield* (yield* ClientStore).find(ClientId.make(id))
  return yield* Effect.mapError(found, () => ({ _tag: "UnknownClient", description: `there is no client ${id}` }))
})

/** Sends a token request to the grant type that answers it. */
const redeem = Effect.fnUntraced(function* (grantType: string, fields: Record<string, string>, client: Client) {
  const { handle } = yield* (yield* GrantTypes).find(grantType)
  const parameters = yield* Parameters.parse(String(new URLSearchParams(fields)))
  return Redacted.value((yield* handle(parameters, client, { network: Option.none() })).accessToken)
})

/** The parameters that both requests have. */
const common = ({ resource, scopes }: TokenRequest): Record<string, string> => ({
  scope: scopes.join(" "),
  ...(resource === undefined ? {} : { resource })
})

/** The token of a client that acts for itself. */
const ofClient = Effect.fnUntraced(function* (request: TokenRequest) {
  const client = yield* clientOf(request.clientId, { grant_types: ["client_credentials"] })
  return yield* redeem("client_credentials", common(request), client)
})

/** The token of a user who has just logged in and allows every requested scope. */
const ofUser = Effect.fnUntraced(function* (request: TokenRequest, user: string) {
  const account = yield* findOrCreate(user)
  const client = yield* clientOf(request.clientId, {
    redirect_uris: ["https://client.example/callback"],
    token_endpoint_auth_method: "none"
  })
  const [redirect_uri = ""] = client.metadata.redirect_uris
  const verifier = CodeVerifier.make(Redacted.value(yield* randomSecret()))
  const query = new URLSearchParams({
    ...common(request),
    response_type: "code",
    client_id: client.id,
    redirect_uri,
    code_challenge: challengeOf(verifier),
    code_challenge_method: "S256"
  })
  const authorization = yield* (yield* AuthorizationRequests).validate(yield* Parameters.parse(String(query)))
  const session = {
    id: SessionId.make(yield* identifier),
    subject: account.id,
    authenticatedAt: yield* DateTime.now,
    subjectEpoch: account.epoch
  }
  const who = { session, account, displayName: user }
  const approvals = yield* Approvals
  const decided = yield* approvals.decide({
    request: authorization,
    who,
    offer: yield* approvals.offer(authorization, who),
    choice: Choice.Allow({
      ticked: ResourceScopes.offeredBy(authorization.resources, DomainScope.make(...request.scopes))
    })
  })
  if (decided._tag === "Denied") return yield* decided.error
  if (decided._tag !== "Allowed") return yield* Effect.fail(notOffered)
  const fields = { code: Redacted.value(decided.code), redirect_uri, code_verifier: verifier }
  return yield* redeem("authorization_code", fields, client)
})

/** By the clock of the server, so that a token is as old as its requests say. */
const atServerTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(ServerClock, (clock) => Effect.withClock(effect, clock))

export const issue = (request: TokenRequest) =>
  atServerTime(Effect.mapError(request.user === undefined ? ofClient(request) : ofUser(request, request.user), refused))

export const accountOf = (user: string) => atServerTime(Effect.mapError(findOrCreate(user), refused))
