/** The client information response (RFC 7591 §3.2.1): all metadata, and the secret only when it is new. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Client from "../../domain/Client.js"
import type { Issuer } from "../../domain/Issuer.js"
import * as Scope from "../../domain/Scope.js"
import * as Time from "../../domain/Time.js"

/**
 * Renders a client under the names of RFC 7591. `offered` is the scope that the resources offer now. `secret` is given only if
 * it is new.
 */
export const toJson = (
  client: Client.Client,
  offered: Scope.Scope,
  secret: Option.Option<Redacted.Redacted> = Option.none()
) => {
  const scope = Scope.format(Client.allowedScope(client, offered))
  return {
    client_id: client.id,
    client_id_issued_at: Time.toNumericDate(client.issuedAt),
    ...Option.match(secret, { onNone: () => ({}), onSome: (secret) => ({ client_secret: Redacted.value(secret) }) }),
    ...Option.match(client.secret, {
      onNone: () => ({}),
      onSome: ({ expiresAt }) => ({
        client_secret_expires_at: Option.match(expiresAt, { onNone: () => 0, onSome: Time.toNumericDate })
      })
    }),
    ...Client.metadataJson(client.metadata),
    ...(scope === "" ? {} : { scope })
  }
}

/** Returns the information with the members by which a client manages its registration (RFC 7592 §3). */
export const withRegistration = (information: ReturnType<typeof toJson>, issuer: Issuer, token: Redacted.Redacted) => ({
  ...information,
  registration_access_token: Redacted.value(token),
  registration_client_uri: `${issuer}/register/${information.client_id}`
})
