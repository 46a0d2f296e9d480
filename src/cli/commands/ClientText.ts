/** A client as JSON and as the rows of a table. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Client from "../../domain/Client.js"
import * as Scope from "../../domain/Scope.js"
import * as ClientInformation from "../../http/views/ClientInformation.js"
import type { Registered } from "../../services/clients/ClientRegistration.js"
import * as Output from "../terminal/Output.js"

/** Returns the information about a client. It shows the stored scope: a command does not know the scopes of an app. */
export const information = (client: Client.Client, secret: Registered["secret"] = Option.none()) =>
  ClientInformation.toJson(client, client.metadata.scope ?? Scope.empty, secret)

/** Returns the rows of the table that describes a client. */
export const rows = ({ client, secret }: Registered): ReadonlyArray<readonly [string, string]> => {
  const { metadata } = client
  return [
    ["client_id", client.id],
    ...Option.match(secret, {
      onNone: () => [],
      onSome: (secret) => [["client_secret", `${Redacted.value(secret)}  (shown only once)`] as const]
    }),
    ["token_endpoint_auth_method", metadata.token_endpoint_auth_method],
    ...keysOf(metadata),
    ["grant_types", metadata.grant_types.map(Output.printable).join(" ")],
    ...metadata.redirect_uris.map((uri) => ["redirect_uri", Output.printable(uri)] as const),
    ["scope", scopeOf(client)]
  ]
}

/** Who described the client to this server. */
export const registeredBy = ({ origin }: Client.Client): string =>
  ({ Operator: "by the operator", Dynamic: "by itself", Document: "by its document" })[origin]

/** Returns the approval in words. */
export const approvalOf = ({ approval }: Client.Client): string =>
  Option.match(approval, {
    onNone: () => "no",
    onSome: ({ at, resources }) =>
      [Output.instant(at), ...Array.from(resources, (uri) => `without a consent page: ${uri}`)].join(", ")
  })
/** Returns where the keys of a client that signs are. */
const keysOf = ({ jwks, jwks_uri }: Client.ClientMetadata): ReadonlyArray<readonly [string, string]> => [
  ...(jwks === undefined
    ? []
    : [["jwks", jwks.keys.map(({ kid, kty }) => Output.printable(kid ?? kty)).join(" ")] as const]),
  ...(jwks_uri === undefined ? [] : [["jwks_uri", Output.printable(jwks_uri)] as const])
]

const scopeOf = ({ metadata, origin }: Client.Client): string => {
  if (origin !== "Operator") return "all scopes of the resources"
  return metadata.scope === undefined ? "none: it may request no scope" : Scope.format(metadata.scope)
}
