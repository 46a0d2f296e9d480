/**
 * The metadata that a client requests (RFC 7591 §2), and the part that the server registers. A member, or an entry of a list,
 * that cannot be used is left out as long as something remains, and the response names what was registered (§3.2.1). A member
 * without a value counts as not sent (RFC 7592 §2.2). Metadata are refused where a wrong reading would change access (ADR 30).
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Client from "./Client.js"
import * as DisplayText from "./DisplayText.js"
import { InvalidClientMetadata, InvalidRedirectUri } from "./OAuthError.js"
import * as RedirectUri from "./RedirectUri.js"
import * as RequestedKeys from "./RequestedKeys.js"

/** The reason why metadata, or a part of them, cannot be used. */
export type Refusal = InvalidClientMetadata | InvalidRedirectUri

/** The usable part of the metadata, defaults included, and the reason for each part that was left out. */
export interface Negotiated {
  readonly metadata: Client.ClientMetadata
  readonly leftOut: ReadonlyArray<Refusal>
}

/** The rules of the server for metadata. */
export interface RegistrationRules {
  /** The grant types that this client may register. */
  readonly grantTypes: ReadonlyArray<string>
  /** The authentication methods of the server. */
  readonly authMethods: ReadonlyArray<Client.AuthMethod>
  /** The redirect URIs that it may register, depending on whether it authenticates. */
  readonly policyOf: (method: Client.AuthMethod) => RedirectUri.Policy
  /** Whether the keys of the client may be at an http address on loopback: only where the server itself is on loopback. */
  readonly allowsLoopbackKeys: boolean
}

/** Maximum number of redirect URIs of a client. */
const maxRedirectUris = 10

/** Maximum number of contacts that are stored. */
const maxContacts = 10

/** The built-in authentication methods, the strongest first. A method of the app comes before them. */
const builtInMethods: ReadonlyArray<Client.AuthMethod> = [
  "private_key_jwt",
  "client_secret_basic",
  "client_secret_post",
  "none"
]

/** Returns the methods of the server, the strongest first. */
const strongestFirst = (methods: ReadonlyArray<Client.AuthMethod>): ReadonlyArray<Client.AuthMethod> => [
  ...methods.filter((method) => !builtInMethods.includes(method)),
  ...builtInMethods.filter((method) => methods.includes(method))
]

/** Grant types that OAuth 2.1 removed (§10). A client that requests only these cannot work with this server. */
const removed = ["implicit", "password"]

const refuse = (reason: InvalidClientMetadata["reason"], description: string) =>
  new InvalidClientMetadata({ reason, description })

const refuseRedirectUri = (reason: InvalidRedirectUri["reason"], description: string) =>
  new InvalidRedirectUri({ reason, description })

const malformed = (name: string) => refuse("MalformedMember", `the member ${name} is malformed`)

/** Returns the usable part of the metadata, a JSON value. */
export const negotiate = (json: unknown, rules: RegistrationRules): Either.Either<Negotiated, Refusal> =>
  Either.gen(function* () {
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      return yield* Either.left(refuse("NotAnObject", "the metadata is not a JSON object"))
    }
    if (memberOf(json, "jwks") !== undefined && memberOf(json, "jwks_uri") !== undefined) {
      return yield* Either.left(refuse("Inconsistent", "jwks and jwks_uri are not given together (RFC 7591, 2)"))
    }
    yield* RequestedKeys.refuseSecrets(memberOf(json, "jwks"))
    const sentKeys: RequestedKeys.Sent = {
      jwks: memberOf(json, "jwks"),
      jwks_uri: memberOf(json, "jwks_uri"),
      token_endpoint_auth_signing_alg: memberOf(json, "token_endpoint_auth_signing_alg")
    }
    const { keys, method: token_endpoint_auth_method } = yield* readMethod(
      json,
      strongestFirst(rules.authMethods),
      RequestedKeys.read(sentKeys, rules.allowsLoopbackKeys)
    )
    const redirectUris = yield* readRedirectUris(json, rules.policyOf(token_endpoint_auth_method))
    const description = yield* readDescription(json)
    const grants = yield* readGrantTypes(json, rules.grantTypes)
    const usesCode = grants.kept.includes("authorization_code")
    const responses = yield* readResponseTypes(json, usesCode)
    if (usesCode && redirectUris.kept.length === 0) {
      return yield* Either.left(refuseRedirectUri("Missing", "redirect_uris is missing"))
    }
    return {
      metadata: {
        ...description.kept,
        ...keys,
        redirect_uris: redirectUris.kept,
        token_endpoint_auth_method,
        grant_types: grants.kept,
        response_types: responses.kept
      },
      leftOut: [redirectUris, description, grants, responses].flatMap(({ leftOut }) => leftOut)
    }
  })

/** The usable part of a value, and the reasons for the parts that were left out. */
interface Read<A> {
  readonly kept: A
  readonly leftOut: ReadonlyArray<Refusal>
}

const hasValue = (value: unknown): boolean => value !== null && value !== ""

/** Returns a member of the object itself; `undefined` if it is missing, or has no value. */
const memberOf = (json: object, name: string): unknown => {
  const value: unknown = Object.hasOwn(json, name) ? Reflect.get(json, name) : undefined
  return hasValue(value) ? value : undefined
}

/** Returns the entries of a list that have a value, each once; `undefined` if there is none. */
const listOf = (json: object, name: string): Either.Either<ReadonlyArray<unknown> | undefined, Refusal> => {
  const value = memberOf(json, name)
  if (value === undefined) return Either.right(undefined)
  if (!Array.isArray(value)) return Either.left(malformed(name))
  const entries = [...new Set<unknown>(value.filter(hasValue))]
  return Either.right(entries.length === 0 ? undefined : entries)
}

/**
 * Returns the method that the client names. If it names none, or one that it cannot use here, returns the strongest of the
 * methods that the client supports (OpenID Connect Relying Party Metadata Choices 1.0). A client can use `private_key_jwt` if
 * it has keys, and only then its keys are registered.
 */
const readMethod = (
  json: object,
  methods: ReadonlyArray<Client.AuthMethod>,
  keys: Either.Either<RequestedKeys.Keys, Refusal>
): Either.Either<{ readonly method: Client.AuthMethod; readonly keys: RequestedKeys.Keys }, Refusal> => {
  const named = memberOf(json, "token_endpoint_auth_method")
  if (named !== undefined && typeof named !== "string") return Either.left(malformed("token_endpoint_auth_method"))
  return Either.flatMap(listOf(json, "token_endpoint_auth_methods_supported"), (choices = []) => {
    const usable = methods.filter((method) => method !== "private_key_jwt" || Either.isRight(keys))
    const method = usable.find((method) => method === named) ?? usable.find((method) => choices.includes(method))
    if (method === "private_key_jwt") return Either.map(keys, (keys) => ({ method, keys }))
    if (method !== undefined) return Either.right({ method, keys: {} })
    if (Either.isLeft(keys) && [named, ...choices].includes("private_key_jwt") && methods.includes("private_key_jwt")) {
      return Either.left(keys.left)
    }
    return named === undefined && choices.length === 0
      ? Either.right({ method: "client_secret_basic", keys: {} })
      : Either.left(refuse("Unsupported", "this server supports none of the client's authentication methods"))
  })
}

/** Returns the URIs that the policy allows; fails if it allows none of them (RFC 7591 §3.2.2). */
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
      if (reason === undefined) kept.push(RedirectUri.RedirectUri.make(String(entry), true))
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

/** Returns the supported grant types; fails if there is none, or if only a removed one could give the client a token. */
const readGrantTypes = (
  json: object,
  supported: ReadonlyArray<string>
): Either.Either<Read<ReadonlyArray<string>>, Refusal> =>
  Either.flatMap(listOf(json, "grant_types"), (entries = ["authorization_code"]) => {
    const kept = entries.filter((entry) => typeof entry === "string").filter((entry) => supported.includes(entry))
    const isRemoved = entries.some((entry) => removed.some((grantType) => grantType === entry))
    const refusal = refuse("Unsupported", "the grant types implicit and password are not supported (OAuth 2.1, 10)")
    if (isRemoved && !kept.includes("authorization_code")) return Either.left(refusal)
    return kept.length === 0
      ? Either.left(refuse("Unsupported", "none of the grant types is supported"))
      : Either.right({ kept, leftOut: isRemoved ? [refusal] : [] })
  })

/** Returns `code` for a client that uses it; fails if response types and grant types do not match (RFC 7591 §2.1). */
const readResponseTypes = (json: object, usesCode: boolean): Either.Either<Read<ReadonlyArray<"code">>, Refusal> =>
  Either.flatMap(listOf(json, "response_types"), (entries) => {
    // An empty list means that the client never uses the authorization endpoint.
    const isEmpty = entries === undefined && Array.isArray(memberOf(json, "response_types"))
    const requestsCode = entries === undefined ? usesCode && !isEmpty : entries.includes("code")
    if (entries !== undefined && !requestsCode) return Either.left(malformed("response_types"))
    if (usesCode !== requestsCode) {
      return Either.left(
        refuse("Inconsistent", "grant type authorization_code and response type code need each other (RFC 7591, 2.1)")
      )
    }
    const leftOut = entries !== undefined && entries.length > 1 ? [malformed("response_types")] : []
    return Either.right({ kept: requestsCode ? ["code" as const] : [], leftOut })
  })

/** Returns the contacts that can be stored. */
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

/** The other members only describe the client. Nothing depends on them, so each is stored or left out by itself. */
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

/** Reads the describing members. Fails for a name that pages cannot show, because users judge the client by its name. */
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
