/** The checks of an authorization request whose client and redirect URI are good. An error goes to the client. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { AuthorizationError, AuthorizationRequest, ReplyAddress } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as CodeChallenge from "../../domain/CodeChallenge.js"
import {
  InvalidRequest,
  RequestNotSupported,
  RequestUriNotSupported,
  UnauthorizedClient,
  UnsupportedResponseType
} from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import type * as Resource from "../../domain/Resource.js"
import { maxStateLength } from "./ReplyAddresses.js"
import * as RequestedAccess from "./RequestedAccess.js"

/** Returns the value of a parameter. None is repeated here, except `resource`. */
type Read = (name: string) => Option.Option<string>

/** A check that refuses a request, or lets it pass. */
type Check = (read: Read, client: Client.Client) => AuthorizationError | undefined

const state: Check = (read) =>
  Option.exists(read("state"), ({ length }) => length > maxStateLength) ? Parameters.malformed("state") : undefined

/** Request objects are not supported (OpenID Connect Core §3.1.2.6). */
const requestObject: Check = (read) => {
  const description = "request objects are not supported"
  if (Option.isSome(read("request"))) return new RequestNotSupported({ reason: "RequestObject", description })
  if (Option.isSome(read("request_uri"))) return new RequestUriNotSupported({ reason: "RequestUri", description })
  return undefined
}

const responseType: Check = (read) => {
  const type = read("response_type")
  if (Option.isNone(type)) return Parameters.missing("response_type")
  return type.value === "code"
    ? undefined
    : new UnsupportedResponseType({ reason: "UnknownResponseType", description: "the response type is not code" })
}

const grantType: Check = (_, client) =>
  Client.mayUse(client, "authorization_code")
    ? undefined
    : new UnauthorizedClient({
        reason: "GrantTypeNotRegistered",
        description: "the client did not register authorization_code"
      })

const responseMode: Check = (read) =>
  Option.exists(read("response_mode"), (mode) => mode !== "query") ? Parameters.malformed("response_mode") : undefined

/** The checks that come first, in the order of RFC 6749 §4.1.1 and its extensions. */
const checks: ReadonlyArray<Check> = [state, requestObject, responseType, grantType, responseMode]

/** Reads the rest of a request, or fails with the first error that it finds. */
export const check = (
  parameters: Parameters.Parameters,
  replyTo: ReplyAddress,
  all: ReadonlyArray<Resource.Resource>
): Effect.Effect<AuthorizationRequest, AuthorizationError> =>
  Effect.gen(function* () {
    yield* Parameters.refuseRepeated(parameters, new Set(["resource"]))
    const read: Read = (name) => Option.fromNullable(Parameters.all(parameters, name)[0])
    for (const check of checks) {
      const error = check(read, replyTo.client)
      if (error !== undefined) return yield* error
    }
    return {
      ...replyTo,
      codeChallenge: yield* codeChallenge(read),
      ...(yield* RequestedAccess.read(parameters, replyTo.client, all)),
      prompt: yield* prompt(read),
      maxAge: yield* maxAge(read),
      loginHint: Option.map(read("login_hint"), (hint) => Redacted.make(hint))
    }
  })

/** The code challenge; S256 is required (RFC 7636 §4.3, OAuth 2.1 §7.5). */
const codeChallenge = (read: Read) => {
  const challenge = read("code_challenge")
  if (Option.isNone(challenge)) {
    return new InvalidRequest({ reason: "CodeChallengeRequired", description: "code_challenge is required (RFC 7636)" })
  }
  if (!Option.contains(read("code_challenge_method"), CodeChallenge.method)) {
    return new InvalidRequest({ reason: "CodeChallengeMethod", description: "code_challenge_method must be S256" })
  }
  return Either.fromOption(CodeChallenge.parse(challenge.value), () => Parameters.malformed("code_challenge"))
}

type Prompt = "none" | "login" | "consent" | "select_account"

const prompts: ReadonlySet<string> = new Set<Prompt>(["none", "login", "consent", "select_account"])

const isPrompt = (word: string): word is Prompt => prompts.has(word)

/** The prompt values; `none` excludes the others (OpenID Connect Core §3.1.2.1). */
const prompt = (read: Read): Either.Either<ReadonlySet<Prompt>, InvalidRequest> => {
  const words: ReadonlyArray<string> = Option.getOrUndefined(read("prompt"))?.split(" ") ?? []
  const prompt = new Set(words.filter(isPrompt))
  return words.every(isPrompt) && !(prompt.has("none") && words.length > 1)
    ? Either.right(prompt)
    : Either.left(Parameters.malformed("prompt"))
}

/** The maximum age of the login in seconds, written as digits (OpenID Connect Core §3.1.2.1). */
const maxAge = (read: Read) =>
  Option.match(read("max_age"), {
    onNone: () => Effect.succeedNone,
    onSome: (text) =>
      /^[0-9]{1,9}$/.test(text) ? Effect.succeedSome(Number(text)) : Effect.fail(Parameters.malformed("max_age"))
  })
