/**
 * Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document-01 §4): the metadata of RFC 7591 §2 at the URL
 * that is the client's id. A document is negotiated like a registration: a part that cannot be used is left out. It is refused
 * where a wrong reading would change access.
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Client from "./Client.js"
import * as RequestedMetadata from "./RequestedMetadata.js"

/** The metadata of a client whose document was not read yet. With them it can do nothing. */
export const unread: Client.ClientMetadata = {
  redirect_uris: [],
  token_endpoint_auth_method: "none",
  grant_types: [],
  response_types: []
}

/** Maximum size of a document in bytes (§6.6). */
export const maxBytes = 5 * 1024

/**
 * Why a document cannot be used, for the operator's log and the event. `Unavailable`: it cannot be fetched. `ContentType`: it is
 * not sent as JSON. `Malformed`: it is not a JSON object. `WrongClientId`: its `client_id` is not its URL. `HoldsSecret`: it
 * holds a secret, which everybody can read. `AuthenticationMethod`: each method that it names needs a secret, or is not
 * supported here. `RedirectUris`: it has no redirect URI that may be used here. `Metadata`: it has another mistake.
 */
export const Problem = Schema.Literal(
  "Unavailable",
  "ContentType",
  "Malformed",
  "WrongClientId",
  "HoldsSecret",
  "AuthenticationMethod",
  "RedirectUris",
  "Metadata"
)
export type Problem = typeof Problem.Type

/** A document that cannot be used. `detail` is a sentence for the operator's log. */
export class DocumentRefused extends Data.TaggedError("DocumentRefused")<{
  readonly problem: Problem
  readonly detail: string
}> {}

const refuse = (problem: Problem, detail: string) => Either.left(new DocumentRefused({ problem, detail }))

/** Whether a content type is JSON: `application/json`, or a type that is built on it, such as `application/<x>+json`. */
export const isJson = (contentType: string | undefined): boolean =>
  /^application\/(?:json|[!#$&^_.+\-\w]+\+json)\s*(?:;|$)/i.test(contentType?.trim() ?? "")

/** Whether a method needs a secret that client and server share. A document is public, so its client has none. */
const needsSecret = (method: string): boolean => method.startsWith("client_secret_")

/**
 * Returns the methods that the client and this server know, the strongest first: those that the document names in
 * `token_endpoint_auth_method` or in `token_endpoint_auth_methods_supported` (OpenID Connect Relying Party Metadata Choices
 * 1.0). A document that names none is one of a public client.
 */
const methodsOf = (document: object, supported: ReadonlyArray<string>): ReadonlyArray<string> => {
  const named = [
    Reflect.get(document, "token_endpoint_auth_method"),
    Reflect.get(document, "token_endpoint_auth_methods_supported")
  ]
    .flat()
    .filter((name) => typeof name === "string" && name !== "")
  if (named.length === 0) return ["none"]
  const usable = supported.filter((method) => named.includes(method) && !needsSecret(method))
  return [...usable.filter((method) => method !== "none"), ...usable.filter((method) => method === "none")]
}

/** Returns the usable part of the document of a client, a JSON value. */
export const read = (
  id: Client.ClientId,
  json: unknown,
  rules: RequestedMetadata.RegistrationRules
): Either.Either<RequestedMetadata.Negotiated, DocumentRefused> => {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return refuse("Malformed", "the document is not a JSON object")
  }
  if (Reflect.get(json, "client_id") !== id) return refuse("WrongClientId", "client_id is not the URL of the document")
  const secret = Object.keys(json).find((name) => name.startsWith("client_secret") && Reflect.get(json, name) != null)
  if (secret !== undefined) return refuse("HoldsSecret", `a public document has the member ${secret}`)
  const { token_endpoint_auth_methods_supported: _, ...metadata } = json as Record<string, unknown>
  const negotiated = methodsOf(json, rules.authMethods).map((method) =>
    RequestedMetadata.negotiate({ ...metadata, token_endpoint_auth_method: method }, rules)
  )
  // A client whose keys cannot be used here is a public one if its document allows it.
  const [first] = negotiated
  if (first === undefined) {
    return refuse("AuthenticationMethod", "the document names no method of client authentication that can be used here")
  }
  return Either.mapLeft(
    negotiated.find(Either.isRight) ?? first,
    ({ _tag, description }) =>
      new DocumentRefused({ problem: _tag === "InvalidRedirectUri" ? "RedirectUris" : "Metadata", detail: description })
  )
}

const explanations: Readonly<Record<Problem, string>> = {
  Unavailable: "The page on which the app describes itself could not be read. Try again in a few minutes.",
  ContentType: "The page on which the app describes itself is not in the right format.",
  Malformed: "The page on which the app describes itself is not in the right format.",
  WrongClientId: "The page on which the app describes itself is about another app.",
  HoldsSecret: "The page on which the app describes itself reveals a secret, so this server does not use it.",
  AuthenticationMethod: "The app and this server have no way in common to prove who the app is.",
  RedirectUris: "The app names no address that this server may send you to.",
  Metadata: "The page on which the app describes itself has a mistake."
}

/** Returns the problem in words for the user, who can tell the makers of the app. */
export const explain = (problem: Problem): string => explanations[problem]
