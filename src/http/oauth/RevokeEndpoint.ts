/** `POST /revoke` (RFC 7009 §2). */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { isConfidential } from "../../domain/Client.js"
import * as Parameters from "../../domain/Parameters.js"
import { ClientAuthenticator } from "../../services/clients/ClientAuthenticator.js"
import { ServerMetadata } from "../../services/metadata/ServerMetadata.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { TokenRevocation } from "../../services/tokens/TokenRevocation.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Wire from "../wire/Wire.js"

// The client ignores the content (RFC 7009 §2.2), but widely used clients parse every response of 200 as JSON.
const revoked = Wire.json({}, { headers: Wire.noStore })

const make = Effect.gen(function* () {
  const authenticator = yield* ClientAuthenticator
  const revocation = yield* TokenRevocation
  return Effect.fnUntraced(function* ({ meter, request }: Endpoint.Call) {
    const parameters = yield* Body.formOnly(request)
    const client = yield* authenticator.authenticate({ headers: request.headers, parameters })
    // As at the token endpoint: any client may know the id of a public client.
    if (isConfidential(client)) yield* meter.consume("revokeClient", client.id)
    const token = Redacted.make(yield* Parameters.required(parameters, "token"))
    yield* revocation.revoke(token, client)
    return revoked
  })
})

/** Serves the endpoint, and adds it to the metadata. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const metadata = yield* ServerMetadata
    yield* Endpoint.addJson("/revoke", true, { POST: yield* make }, ["revoke"])
    yield* metadata.add({ revocation_endpoint: `${issuer}/revoke` })
    yield* metadata.addAuthentication("revocation")
  })
)
