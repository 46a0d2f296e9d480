/**
 * The metadata that a client asks to be registered with (RFC 7591 §2), and the part of it that can be used. A member or
 * an entry of a list that cannot be used is left out while something stays, and the answer says what was registered
 * (§3.2.1). A member without a value is one that was not sent (RFC 7592 §2.2). It is an error where a wrong reading would
 * change who may do what (ADR 30).
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Client from "./Client.js"
import * as DisplayText from "./DisplayText.js"
import { InvalidClientMetadata, InvalidRedirectUri } from "./OAuthError.js"
import * as RedirectUri from "./RedirectUri.js"

/** Why metadata, or a part of them, cannot be used. */
export type Refusal = InvalidClientMetadata | InvalidRedirectUri

/** The part that can be used, defaults included, and why each other part cannot. */
export interface Negotiated {
  readonly metadata: Client.ClientMetadata
  readonly leftOut: ReadonlyArray<Refusal>
}

/** Decisions of the server that the metadata must fit. */
export interface Offer {
  /** The grant types that this client may register. */
  readonly grantTypes: ReadonlyArray<string>
  /** The redirect URIs that it may register, which depends on whether it keeps a secret. */
  readonly policyOf: (method: Client.AuthMethod) => RedirectUri.Policy
}

/** Maximum number of redirect URIs of a client. */
const maxRedirectUris = 10

/** Maximum number of contacts that are kept. */
const maxContacts = 10

/** Authentication methods, the strongest first. */
const methods: ReadonlyArray<Client.AuthMethod> = ["client_secret_basic", "client_secret_post", "none"]

/** Grant types that OAuth 2.1 removed (§10): a client that asks for nothing else cannot work here. */
const removed = ["implicit", "password"]

const refuse = (reason: InvalidClientMetadata["reason"], description: string) =>
  new InvalidClientMetadata({ reason, description })

const refuseRedirectUri = (reason: InvalidRedirectUri["reason"], description: string) =>
  new InvalidRedirectUri({ reason, description })

const malformed = (name: string) => refuse("MalformedMember", `the member ${name} is malformed`)

/** The usable part of the metadata, a JSON value. */
export const negotiate = (json: unknown, offer: Offer): Either.Either<Negotiated, Refusal> =>
  Either.gen(function* () {
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      return yield* Either.left(refuse("NotAnObject", "the metadata is not a JSON object"))
    }
    if (memberOf(json, "jwks") !== undefined && memberOf(json, "jwks_uri") !== undefined) {
      return yield* Either.left(refuse("Inconsistent", "jwks and jwks_uri are not given together (RFC 7591, 2)"))
    }
    const token_endpoint_auth_method = yield* readMethod(json)
    const redirectUris = yield* readRedirectUris(json, offer.policyOf(token_endpoint_auth_method))
    const description = yield* readDescription(json)
    const grants = yield* readGrantTypes(json, offer.grantTypes)
    const usesCode = grants.kept.includes("authorization_code")
    const responses = yield* readResponseTypes(json, usesCode)
    if (usesCode && redirectUris.kept.length === 0) {
      return yield* Either.left(refuseRedirectUri("Missing", "redirect_uris is missing"))
    }
    return {
      metadata: {
        ...description.kept,
        redirect_uris: redirectUris.kept,
        token_endpoint_auth_method,
        grant_types: grants.kept,
        response_types: responses.kept
      },
      leftOut: [redirectUris, description, grants, responses].flatMap(({ leftOut }) => leftOut)
    }
  })

/** A value that was read, and why parts of it were left out. */
interface Read<A> {
  readonly kept: A
  readonly leftOut: ReadonlyArray<Refusal>
}

const hasValue = (value: unknown): boolean => value !== null && value !== ""

/** A member that the object itself has; `undefined` where it has none, or one without a value. */
const memberOf = (json: object, name: string): unknown => {
  const value: unknown = Object.hasOwn(json, name) ? Reflect.get(json, name) : undefined
  return hasValue(value) ? value : undefined
}

/** The entries of a list that have a value, each once; `undefined` where there is none. */
const listOf = (json: object, name: string): Either.Either<ReadonlyArray<unknown> | undefined, Refusal> => {
  const value = memberOf(json, name)
  if (value === undefined) return Either.right(undefined)
  if (!Array.isArray(value)) return Either.left(malformed(name))
  const entries = [...new Set<unknown>(value.filter(hasValue))]
  return Either.right(entries.length === 0 ? undefined : entries)
}

/**
 * The method that the client names, or the strongest of those that it offers to choose from (OpenID Connect Relying
 * Party Metadata Choices 1.0), where the first is missing or is not one of this server's.
 */
const readMethod = (json: object): Either.Either<Client.AuthMethod, Refusal> => {
  const named = memberOf(json, "token_endpoint_auth_method")
  if (named !== undefined && typeof named !== "string") return Either.left(malformed("token_endpoint_auth_method"))
  return Either.flatMap(listOf(json, "token_endpoint_auth_methods_supported"), (choices = []) => {
    const method = methods.find((method) => method === named) ?? methods.find((method) => choices.includes(method))
    if (method !== undefined) return Either.right(method)
    return named === undefined && choices.length === 0
      ? Either.right("client_secret_basic" as const)
      : Either.left(refuse("Unsupported", "this server has none of the client's authentication methods"))
  })
}

/** The URIs that policy allows; fails where it allows none of those that were sent (RFC 7591 §3.2.2). */
const readRedirectUris = (
  json: object,
  policy: RedirectUri.Policy
): Either.Either<Read<ReadonlyArray<RedirectUri.RedirectUri>>, Refusal> =>
  Either.gen(function* () {
    const entries = yield* Either.mapLeft(listOf(json, "redirect_uris"), () =>
      refuseRedirectUri("NotAllowed", "redirect_uris is malformed")
    )
    const kept: Array<RedirectUri.RedirectUri> = []
    const leftOut: Array<Refusal> = []
    for (const entry of entries ?? []) {
      const reason = typeof entry === "string" ? RedirectUri.objection(entry, policy) : "a redirect URI is a text"
      if (reason === undefined) kept.push(RedirectUri.RedirectUri.make(String(entry)))
      else leftOut.push(refuseRedirectUri("NotAllowed", reason))
    }
    const [first] = leftOut
    if (kept.length === 0 && first !== undefined) return yield* Either.left(first)
    if (kept.length > maxRedirectUris) {
      return yield* Either.left(
        refuseRedirectUri("NotAllowed", `a client has at most ${maxRedirectUris} redirect URIs`)
      )
    }
    return { kept, leftOut }
  })

/** The supported grant types; fails where none is, or where only a removed one would have given the client a token. */
const readGrantTypes = (
  json: object,
  supported: ReadonlyArray<string>
): Either.Either<Read<ReadonlyArray<string>>, Refusal> =>
  Either.flatMap(listOf(json, "grant_types"), (entries = ["authorization_code"]) => {
    const kept = entries.filter((entry) => typeof entry === "string").filter((entry) => supported.includes(entry))
    const isRemoved = entries.some((entry) => removed.some((grantType) => grantType === entry))
    const refusal = refuse("Unsupported", "the grant types implicit and password do not exist here (OAuth 2.1, 10)")
    if (isRemoved && !kept.includes("authorization_code")) return Either.left(refusal)
    return kept.length === 0
      ? Either.left(refuse("Unsupported", "none of the grant types is supported"))
      : Either.right({ kept, leftOut: isRemoved ? [refusal] : [] })
  })

/** `code`, for a client that uses it; fails where the response types do not go with the grant types (RFC 7591 §2.1). */
const readResponseTypes = (json: object, usesCode: boolean): Either.Either<Read<ReadonlyArray<"code">>, Refusal> =>
  Either.flatMap(listOf(json, "response_types"), (entries) => {
    // An empty list has a meaning of its own: the client never uses the authorization endpoint.
    const isEmpty = entries === undefined && Array.isArray(memberOf(json, "response_types"))
    const asksForCode = entries === undefined ? usesCode && !isEmpty : entries.includes("code")
    if (entries !== undefined && !asksForCode) return Either.left(malformed("response_types"))
    if (usesCode !== asksForCode) {
      return Either.left(refuse("Inconsistent", "authorization_code and code go together (RFC 7591, 2.1)"))
    }
    const leftOut = entries !== undefined && entries.length > 1 ? [malformed("response_types")] : []
    return Either.right({ kept: asksForCode ? ["code" as const] : [], leftOut })
  })

/** The contacts that can be kept, of a list that may hold more. */
const readContacts = (json: object): Read<Pick<Client.ClientMetadata, "contacts">> =>
  Either.match(listOf(json, "contacts"), {
    onLeft: (refusal) => ({ kept: {}, leftOut: [refusal] }),
    onRight: (entries = []) => {
      const contacts = entries.filter(Client.isContact).slice(0, maxContacts)
      return {
        kept: contacts.length === 0 ? {} : { contacts },
        leftOut: contacts.length === entries.length ? [] : [malformed("contacts")]
      }
    }
  })

/** The other members that only describe the client: nothing depends on them, so each is kept or left out by itself. */
const Description = Client.ClientMetadata.pick(
  "client_name",
  "client_uri",
  "logo_uri",
  "tos_uri",
  "policy_uri",
  "scope",
  "software_id",
  "software_version",
  "application_type"
)

const decodeDescription = Schema.decodeUnknownEither(Description)

/** Fails for a name that pages cannot show: people judge the client by it. */
const readDescription = (
  json: object
): Either.Either<Read<typeof Description.Type & Pick<Client.ClientMetadata, "contacts">>, Refusal> => {
  const name = memberOf(json, "client_name")
  const reason = typeof name === "string" ? DisplayText.objection(name) : undefined
  if (reason !== undefined) return Either.left(refuse("UnreadableName", `the member client_name ${reason}`))
  const contacts = readContacts(json)
  let kept = contacts.kept
  const leftOut = [...contacts.leftOut]
  for (const name of Object.keys(Description.fields)) {
    const value = memberOf(json, name)
    if (value === undefined) continue
    Either.match(decodeDescription({ [name]: value }), {
      onLeft: () => leftOut.push(malformed(name)),
      onRight: (member) => {
        kept = { ...kept, ...member }
      }
    })
  }
  return Either.right({ kept, leftOut })
}
