/** `POST /introspect` (RFC 7662 §2). */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Issuer from "../../domain/Issuer.js"
import * as Parameters from "../../domain/Parameters.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as Time from "../../domain/Time.js"
import { IntrospectionCallers } from "../../services/clients/IntrospectionCallers.js"
import { ServerMetadata } from "../../services/metadata/ServerMetadata.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { ActiveToken, Caller, Introspection } from "../../services/tokens/Introspection.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Wire from "../wire/Wire.js"

const make = Effect.gen(function* () {
  const callers = yield* IntrospectionCallers
  const introspection = yield* Introspection
  const { issuer } = yield* ServerSettings
  return Effect.fnUntraced(function* ({ meter, request }: Endpoint.Call) {
    const parameters = yield* Body.formOnly(request)
    const caller = yield* callers.authenticate({ headers: request.headers, parameters })
    yield* meter.consume(
      "introspectClient",
      Caller.$match(caller, { ResourceServer: ({ resource }) => resource.uri, Client: ({ client }) => client.id })
    )
    const token = Redacted.make(yield* Parameters.required(parameters, "token"))
    const active = yield* introspection.introspect(token, caller)
    return Wire.json(
      Option.match(active, { onNone: () => ({ active: false }), onSome: (token) => toJson(issuer, token) }),
      { headers: Wire.noStore }
    )
  })
})

/** The members of RFC 7662 §2.2. */
const toJson = (issuer: Issuer.Issuer, token: ActiveToken): Readonly<Record<string, unknown>> => ({
  active: true,
  iss: issuer,
  ...ActiveToken.$match(token, {
    AccessToken: ({ access, audience }) => ({
      token_type: "Bearer",
      scope: Scope.format(access.scope),
      client_id: access.clientId,
      sub: access.subject,
      aud: audience.length === 1 ? audience[0] : audience,
      iat: Time.toNumericDate(access.issuedAt),
      exp: Time.toNumericDate(access.expiresAt),
      jti: access.tokenId
    }),
    RefreshToken: ({ expiresAt, scope, terms }) => ({
      token_type: "refresh_token",
      scope: Scope.format(scope),
      client_id: terms.clientId,
      sub: terms.subject,
      aud: ResourceScopes.resources(terms.granted),
      exp: Time.toNumericDate(expiresAt)
    })
  })
})

/** Serves the endpoint, and adds it to the metadata. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const metadata = yield* ServerMetadata
    yield* Endpoint.addJson("/introspect", false, { POST: yield* make }, ["introspect"])
    yield* metadata.add({ introspection_endpoint: `${issuer}/introspect` })
    yield* metadata.addAuthentication("introspection")
  })
)
