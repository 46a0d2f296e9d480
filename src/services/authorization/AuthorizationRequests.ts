/** Is this authorization request a good one? (RFC 6749 §4.1.1, OAuth 2.1 §4.1.1) */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import {
  type AuthorizationError,
  AuthorizationRefused,
  AuthorizationRejected,
  type AuthorizationRequest,
  type ReplyAddress
} from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as CodeChallenge from "../../domain/CodeChallenge.js"
import {
  InvalidRequest,
  InvalidScope,
  InvalidTarget,
  RequestNotSupported,
  RequestUriNotSupported,
  type TemporarilyUnavailable,
  UnauthorizedClient,
  UnsupportedResponseType
} from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import { Resources } from "../resources/Resources.js"
import { ClientStore } from "../stores/ClientStore.js"

export class AuthorizationRequests extends Context.Tag("latchkey/AuthorizationRequests")<
  AuthorizationRequests,
  {
    /**
     * Reads a request. It fails in two ways: `AuthorizationRefused` until its client and redirect URI are known to be
     * good, `AuthorizationRejected` afterwards.
     */
    readonly validate: (
      parameters: Parameters.Parameters
    ) => Effect.Effect<AuthorizationRequest, AuthorizationRefused | AuthorizationRejected | TemporarilyUnavailable>
  }
>() {}

/** A `state` is echoed in a URL: longer ones would not come back whole (RFC 6749 §4.1.1 sets no limit). */
const maxStateLength = 4096

/** An access token names its resources: this many keep it below 2 KiB. */
const maxResources = 8

const refuse = (reason: AuthorizationRefused["reason"], description: string) =>
  new AuthorizationRefused({ reason, description })

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const resources = yield* Resources

  /** Who asks, and where the answer goes. What is wrong here is never answered by a redirect (RFC 6749 §4.1.2.1). */
  const replyAddress = Effect.fnUntraced(function* (parameters: Parameters.Parameters) {
    const known = (name: string) =>
      Effect.catchTag(Parameters.single(parameters, name), "InvalidRequest", ({ description }) =>
        refuse("MalformedRequest", description)
      )

    const clientId = yield* known("client_id")
    if (Option.isNone(clientId))
      return yield* refuse("MissingClientId", "The request does not say which app it is from.")
    const client = yield* Option.match(Schema.decodeOption(Client.ClientId)(clientId.value), {
      onNone: () => Effect.succeedNone,
      onSome: clients.find
    })
    if (Option.isNone(client))
      return yield* refuse("UnknownClient", "The app that sent you here is not registered here.")
    if (client.value.state === "Disabled")
      return yield* refuse("DisabledClient", "The app that sent you here is disabled here.")

    const requested = yield* known("redirect_uri")
    const registered = client.value.metadata.redirect_uris
    const uri = Option.isSome(requested)
      ? Client.redirectUri(client.value, requested.value)
      : registered.length === 1
        ? registered[0]
        : undefined
    if (uri === undefined) {
      return Option.isSome(requested)
        ? yield* refuse("UnregisteredRedirectUri", "The app asks to send you to an address that it has not registered.")
        : yield* refuse("MissingRedirectUri", "The request does not say where to send you afterwards.")
    }
    const address = { client: client.value, redirectUri: uri }
    // A repeated state cannot be echoed, nor one that is too long; it is reported with the rest of the request.
    const [state = "", ...others] = Parameters.all(parameters, "state")
    const echoes = state !== "" && state.length <= maxStateLength && others.length === 0
    return { ...address, state: echoes ? Option.some(Redacted.make(state)) : Option.none() }
  })

  return AuthorizationRequests.of({
    validate: Effect.fn("AuthorizationRequests.validate")(function* (parameters) {
      const replyTo = yield* replyAddress(parameters)
      yield* Effect.annotateCurrentSpan({ clientId: replyTo.client.id })
      return yield* Effect.mapError(
        readRest(parameters, replyTo, yield* resources.all),
        (error) => new AuthorizationRejected({ replyTo, error })
      )
    })
  })
})

/** The rest of the request, in the order of RFC 6749 §4.1.1 and its extensions. */
const readRest = (
  parameters: Parameters.Parameters,
  replyTo: ReplyAddress,
  all: ReadonlyArray<Resource.Resource>
): Effect.Effect<AuthorizationRequest, AuthorizationError> =>
  Effect.gen(function* () {
    yield* Parameters.refuseRepeated(parameters, new Set(["resource"]))
    const read = (name: string) => Option.fromNullable(Parameters.all(parameters, name)[0])

    const state = read("state")
    if (Option.isSome(state) && state.value.length > maxStateLength) return yield* Parameters.malformed("state")
    if (Option.isSome(read("request"))) {
      return yield* new RequestNotSupported({ reason: "RequestObject", description: "request objects are not taken" })
    }
    if (Option.isSome(read("request_uri"))) {
      return yield* new RequestUriNotSupported({ reason: "RequestUri", description: "request objects are not taken" })
    }

    const responseType = yield* Parameters.required(parameters, "response_type")
    if (responseType !== "code") {
      return yield* new UnsupportedResponseType({
        reason: "UnknownResponseType",
        description: "the response type is not code"
      })
    }
    if (!Client.mayUse(replyTo.client, "authorization_code")) {
      return yield* new UnauthorizedClient({
        reason: "GrantTypeNotRegistered",
        description: "the client did not register authorization_code"
      })
    }
    if (Option.exists(read("response_mode"), (mode) => mode !== "query")) {
      return yield* Parameters.malformed("response_mode")
    }

    const codeChallenge = yield* readCodeChallenge(read("code_challenge"), read("code_challenge_method"))
    const requested = yield* Effect.transposeMapOption(read("scope"), Parameters.scope)
    const known = all.map(Resource.forPeople)
    const named = yield* readResources(Parameters.all(parameters, "resource"), known)
    const meant = Option.getOrElse(named, () =>
      Resource.meant(
        known,
        Option.getOrElse(requested, () => Scope.empty)
      )
    )
    const offers = { anywhere: Resource.offered(all), toPeople: Resource.offered(known), here: Resource.offered(meant) }
    const scope = yield* readScope(requested, replyTo.client, offers, Option.isSome(named))
    const resources = Option.getOrElse(named, () => resourcesOf(scope, meant))
    if (!Resource.areCompatible(resources)) return yield* notAlone
    return {
      ...replyTo,
      scope,
      resources,
      codeChallenge,
      prompt: yield* readPrompt(read("prompt")),
      maxAge: yield* readMaxAge(read("max_age")),
      loginHint: Option.map(read("login_hint"), (hint) => Redacted.make(hint))
    }
  })

/** S256, and always (RFC 7636 §4.3, OAuth 2.1 §7.5). */
const readCodeChallenge = (challenge: Option.Option<string>, method: Option.Option<string>) => {
  if (Option.isNone(challenge)) {
    return new InvalidRequest({ reason: "CodeChallengeRequired", description: "code_challenge is required (RFC 7636)" })
  }
  if (Option.getOrUndefined(method) !== CodeChallenge.method) {
    return new InvalidRequest({ reason: "CodeChallengeMethod", description: "code_challenge_method must be S256" })
  }
  return Effect.mapError(Schema.decode(CodeChallenge.CodeChallenge)(challenge.value), () =>
    Parameters.malformed("code_challenge")
  )
}

const notAlone = new InvalidTarget({
  reason: "NotAlone",
  description: "this resource is asked for alone, without others"
})

/** The resources that are named (RFC 8707 §2.1); `None` when none is. */
const readResources = (
  indicators: ReadonlyArray<string>,
  known: ReadonlyArray<Resource.Resource>
): Effect.Effect<Option.Option<ReadonlyArray<Resource.Resource>>, InvalidTarget> => {
  if (indicators.length === 0) return Effect.succeedNone
  const meant = indicators.map((indicator) => Resource.find(known, indicator))
  const found = new Set(meant.filter((resource) => resource !== undefined))
  if (meant.includes(undefined)) {
    return new InvalidTarget({
      reason: "UnknownResource",
      description: "the resource is not one that this server knows"
    })
  }
  return found.size <= maxResources
    ? Effect.succeedSome(Array.from(found))
    : new InvalidTarget({ reason: "TooManyResources", description: "ask for fewer resources at once" })
}

/** The scope that resources offer: any resource to anybody, any resource to a person, the resources of the request. */
interface Offers {
  readonly anywhere: Scope.Scope
  readonly toPeople: Scope.Scope
  readonly here: Scope.Scope
}

const notOffered = new InvalidScope({
  reason: "NotOffered",
  description: "the scope is not offered by the resource"
})

/**
 * The scope of the request (RFC 6749 §3.3). Tokens that no resource offers are passed over, and so are those of other
 * resources while one of these resources stays. Without a `scope`, the scope is all that the client may ask of these
 * resources; the same holds where the request names only tokens that no resource offers, if it names a resource or the
 * client has a scope of its own (ADR 30).
 */
const readScope = (
  requested: Option.Option<Scope.Scope>,
  client: Client.Client,
  { anywhere, here, toPeople }: Offers,
  namesResource: boolean
): Effect.Effect<Scope.Scope, InvalidScope> =>
  Effect.gen(function* () {
    const known = Option.filter(
      Option.map(requested, (scope) => Scope.intersection(scope, anywhere)),
      (scope) => !Scope.isEmpty(scope)
    )
    if (Option.isNone(known)) {
      if (Option.isSome(requested) && !namesResource && client.origin === "Dynamic") return yield* notOffered
      const allowed = Client.allowedScope(client, here)
      // A resource without scopes is asked for by itself.
      return Scope.isEmpty(allowed) && !Scope.isEmpty(here)
        ? yield* new InvalidScope({ reason: "NotAllowed", description: "no scope is registered for this client" })
        : allowed
    }
    if (!Scope.isSubset(known.value, toPeople)) return yield* notOffered
    if (!Scope.isSubset(known.value, Client.allowedScope(client, toPeople))) {
      return yield* new InvalidScope({
        reason: "NotAllowed",
        description: "the scope is not registered for this client"
      })
    }
    const scope = Scope.intersection(known.value, here)
    return Scope.isEmpty(scope) ? yield* notOffered : scope
  })

/** The resources that a scope is of, where the request names none; for no scope, those that have none. */
const resourcesOf = (scope: Scope.Scope, known: ReadonlyArray<Resource.Resource>) =>
  known
    .filter((resource) =>
      Scope.isEmpty(scope)
        ? Scope.isEmpty(Resource.scope(resource))
        : !Scope.isEmpty(Scope.intersection(scope, Resource.scope(resource)))
    )
    .slice(0, maxResources)

const Prompt = Schema.Literal("none", "login", "consent", "select_account")

/** OpenID Connect Core §3.1.2.1: `none` stands alone. */
const readPrompt = (text: Option.Option<string>) =>
  Effect.gen(function* () {
    const words = Option.match(text, { onNone: () => [], onSome: (text) => text.split(" ") })
    const prompt = yield* Effect.mapError(Schema.decodeUnknown(Schema.Array(Prompt))(words), () =>
      Parameters.malformed("prompt")
    )
    return prompt.includes("none") && prompt.length > 1 ? yield* Parameters.malformed("prompt") : new Set(prompt)
  })

/** OpenID Connect Core §3.1.2.1: seconds, as digits. */
const readMaxAge = (text: Option.Option<string>) =>
  Option.match(text, {
    onNone: () => Effect.succeedNone,
    onSome: (text) =>
      /^[0-9]{1,9}$/.test(text) ? Effect.succeedSome(Number(text)) : Effect.fail(Parameters.malformed("max_age"))
  })

export const layer = Layer.effect(AuthorizationRequests, make)
