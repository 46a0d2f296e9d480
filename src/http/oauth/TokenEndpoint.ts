/** `POST /token` (RFC 6749 §3.2). */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { isConfidential, mayUse } from "../../domain/Client.js"
import { UnauthorizedClient } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Scope from "../../domain/Scope.js"
import type { TokenResponse } from "../../domain/TokenResponse.js"
import { ClientAuthenticator } from "../../services/clients/ClientAuthenticator.js"
import { GrantTypes } from "../../services/GrantTypes.js"
import { ServerMetadata } from "../../services/metadata/ServerMetadata.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Spans from "../../services/Spans.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Wire from "../wire/Wire.js"

/** Parameters that may be repeated (RFC 8707 §2). */
const repeatable = new Set(["resource"])

/** Authenticates the client before it reads any code or token (RFC 6749 §3.2.1). */
const make = Effect.gen(function* () {
  const authenticator = yield* ClientAuthenticator
  const grantTypes = yield* GrantTypes
  return Effect.fnUntraced(function* ({ meter, request }: Endpoint.Call) {
    const parameters = yield* Body.formOnly(request, repeatable)
    const client = yield* authenticator.authenticate({ headers: request.headers, parameters })
    // Only an authenticated client uses up its own quota: any client can send the id of a public client.
    if (isConfidential(client)) yield* meter.consume("tokenClient", client.id)

    const grant = yield* grantTypes.find(yield* Parameters.required(parameters, "grant_type"))
    Spans.annotate({ clientId: client.id, grantType: grant.grantType })
    if (!mayUse(client, grant.grantType)) {
      return yield* new UnauthorizedClient({
        reason: "GrantTypeNotRegistered",
        description: "the client did not register this grant type"
      })
    }
    const response = yield* grant.handle(parameters, client, { network: meter.network })
    return Wire.json(toJson(response), { headers: Wire.noStore })
  })
})

/** The members of RFC 6749 §5.1. JSON leaves out those that are undefined. */
const toJson = (response: TokenResponse) => ({
  access_token: Redacted.value(response.accessToken),
  token_type: "Bearer",
  expires_in: response.expiresIn,
  scope: Scope.isEmpty(response.scope) ? undefined : Scope.format(response.scope),
  refresh_token: Option.isNone(response.refreshToken) ? undefined : Redacted.value(response.refreshToken.value)
})

/** Serves the endpoint, and adds it to the metadata. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const metadata = yield* ServerMetadata
    yield* Endpoint.addJson("/token", true, { POST: yield* make }, ["token"])
    yield* metadata.add({ token_endpoint: `${issuer}/token` })
    yield* metadata.addAuthentication("token")
  })
)
