/** Reads the metadata of a client from the options of `latchkey client create` and `client update`. */
import * as Fs from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { InvalidClientMetadata, InvalidRedirectUri } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as UnknownScope from "../../domain/UnknownScope.js"
import { GrantTypes } from "../../services/GrantTypes.js"
import { Resources } from "../../services/resources/Resources.js"
import { badUsage } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"

/** Refuses a grant type that the server does not have. A registration over HTTP ignores it. */
export const readGrants = (grants: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const names = (yield* GrantTypes).names()
    const unknown = grants.find((grant) => !names.includes(grant))
    return unknown === undefined ? grants : yield* badUsage(`--grant: unknown grant type; give ${names.join(" or ")}`)
  })

/** Refuses a public client with the client credentials grant, which needs client authentication (RFC 6749 §4.4). */
export const requireSecret = (grants: ReadonlyArray<string>, isConfidential: boolean) =>
  grants.includes("client_credentials") && !isConfidential
    ? badUsage("--grant client_credentials: this grant type needs client authentication: give --confidential, too")
    : Effect.void

/** Reads a file with a JWK Set, or with one JWK (RFC 7517). The metadata are checked later. */
export const readKeys = (path: string) =>
  Effect.flatMap(
    Effect.tryPromise({
      try: () => Fs.readFile(path, "utf8"),
      catch: (cause) =>
        badUsage(
          `--jwks: ${path}: this file cannot be read (${cause instanceof Error && "code" in cause ? cause.code : cause})`
        )
    }),
    (text) =>
      Effect.try({
        try: (): unknown => {
          const json: unknown = JSON.parse(text)
          return typeof json === "object" && json !== null && "kty" in json ? { keys: [json] } : json
        },
        catch: () => badUsage(`--jwks: ${path}: this file is not JSON: give a JWK Set, { "keys": [ … ] }`)
      })
  )

/** The keys that the options name. */
interface GivenKeys {
  readonly jwks: Option.Option<unknown>
  readonly jwksUri: Option.Option<string>
}

/** Returns the members of the metadata that hold the keys. */
export const keysOf = ({ jwks, jwksUri }: GivenKeys) => ({
  ...(Option.isSome(jwks) ? { jwks: jwks.value } : {}),
  ...(Option.isSome(jwksUri) ? { jwks_uri: jwksUri.value } : {})
})

/** Refuses keys for another authentication method, and private_key_jwt with keys in two places. */
export const requireKeys = (method: Option.Option<string>, { jwks, jwksUri }: GivenKeys) => {
  const count = [jwks, jwksUri].filter(Option.isSome).length
  if (count === 2) return badUsage("--jwks and --jwks-uri contradict each other: give one of them")
  return count === 1 && Option.exists(method, (method) => method !== "private_key_jwt")
    ? badUsage("--jwks and --jwks-uri are for --auth-method private_key_jwt only")
    : Effect.void
}

/** Parses scope tokens with spaces between them. An empty text gives an empty scope. */
export const readScope = (text: string) =>
  Effect.mapError(Scope.parse(text.trim().replace(/ +/g, " ")), () =>
    badUsage('--scope: give scope tokens with spaces between them, such as "notes:read notes:write"')
  )

/**
 * Prints the scopes that no known resource offers on standard error. A command does not know the resources of an app or of
 * the demo, so it prints nothing if it knows no resource.
 */
export const complainOfUnknown = (scope: Scope.Scope) =>
  Effect.gen(function* () {
    const all = yield* (yield* Resources).all
    const unknown = UnknownScope.find(scope, Resource.offered(all))
    const known = Resource.offered(Resource.listed(all))
    if (Scope.isEmpty(known) || unknown.length === 0) return
    const tokens = unknown.map(UnknownScope.format).join(", ")
    yield* Output.complain(
      `no resource of the settings or the database offers the scope ${tokens}; they offer ${Scope.format(known)}`
    )
  })

/**
 * Errors of the metadata, in terms of the options. Without `--redirect-uri` the invalid URI is a stored one: the current
 * settings, or the new authentication method, do not allow it.
 */
export const refusals = (redirectUris: ReadonlyArray<string>) => ({
  InvalidClientMetadata: ({ description, reason }: InvalidClientMetadata) =>
    badUsage(
      reason === "MisspeltScope"
        ? `--scope: ${description}`
        : description
            .replace("the member client_name", "--name")
            .replace("give jwks or jwks_uri", "give --jwks or --jwks-uri")
    ),
  InvalidRedirectUri: ({ description, reason }: InvalidRedirectUri) =>
    badUsage(
      reason === "Missing"
        ? "a client with the authorization code grant needs a redirect URI: give --redirect-uri"
        : redirectUris.length > 0
          ? `--redirect-uri: ${description}`
          : `a stored redirect URI of this client is not allowed any more: ${description}; give --redirect-uri to replace it`
    )
})
