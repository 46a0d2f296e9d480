/** Reads requested metadata by the rules of this server: the grant types and redirect URIs that a client may register. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Client from "../../domain/Client.js"
import * as Issuer from "../../domain/Issuer.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import * as RequestedMetadata from "../../domain/RequestedMetadata.js"
import { AuthMethods } from "../AuthMethods.js"
import { GrantTypes } from "../GrantTypes.js"
import { ServerSettings } from "../ServerSettings.js"

/** Returns the usable part of metadata, a JSON value, for a client of the given origin. */
export type Read = (
  json: unknown,
  origin: Client.Client["origin"]
) => Either.Either<RequestedMetadata.Negotiated, RequestedMetadata.Refusal>

/** Returns the rules of this server for the metadata of a client of the given origin. */
export const rules = Effect.gen(function* () {
  const authMethods = yield* AuthMethods
  const grantTypes = yield* GrantTypes
  const settings = yield* ServerSettings
  // A client that authenticates is a service: its redirect URI has a host, or a scheme that the operator named.
  const forApps: RedirectUri.Policy = {
    privateUseSchemes: new Set([...settings.privateUseSchemes, ...settings.appSchemes])
  }
  return (origin: Client.Origin): RequestedMetadata.RegistrationRules => ({
    grantTypes: grantTypes.names().filter(
      // No user consents before a client acts for itself, so only a client of the operator can get this grant type.
      (grantType) => origin === "Operator" || grantType !== "client_credentials"
    ),
    authMethods: authMethods.names(),
    policyOf: (method) => (method === "none" ? forApps : settings),
    allowsLoopbackKeys: Issuer.isLoopbackIssuer(settings.issuer)
  })
})

/**
 * Returns a function that reads metadata. It refuses unusable metadata from the operator. A client that registers itself gets
 * the registered metadata in the response.
 */
export const make: Effect.Effect<Read, never, AuthMethods | GrantTypes | ServerSettings> = Effect.gen(function* () {
  const rulesOf = yield* rules
  return (json, origin) =>
    Either.flatMap(RequestedMetadata.negotiate(json, rulesOf(origin)), (negotiated) => {
      const [first] = negotiated.leftOut
      return origin === "Operator" && first !== undefined ? Either.left(first) : Either.right(negotiated)
    })
})

/** Logs the parts of the metadata that were left out. */
export const logLeftOut = (
  clientId: Client.ClientId,
  { leftOut }: RequestedMetadata.Negotiated
): Effect.Effect<void> =>
  leftOut.length === 0
    ? Effect.void
    : Effect.annotateLogs(Effect.logDebug("client metadata left out"), {
        clientId,
        reasons: leftOut.map(({ description }) => description).join("; ")
      })
