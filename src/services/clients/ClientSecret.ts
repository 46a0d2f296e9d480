/** Client secrets (RFC 6749 §2.3.1), and the tokens with which clients manage their registrations (RFC 7592 §1.2). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Client from "../../domain/Client.js"
import { digest, randomSecret } from "../keys/Crypto.js"

/** Makes a new client secret: a prefix and 256 random bits. */
export const newClientSecret = randomSecret("lk_cs_")

/** Makes a new registration access token (RFC 7592 §1.2): a prefix and 256 random bits. */
export const newRegistrationToken = randomSecret("lk_ra_")

/** Returns a secret as the server stores it. It does not expire. */
export const toStored = (secret: Redacted.Redacted): Client.StoredSecret => ({
  digest: digest(secret),
  expiresAt: Option.none()
})

/**
 * Returns the new secret if the client gets one by new metadata, `None` if it authenticates in another way and has no secret
 * then, and `undefined` if it authenticates as before. The two ways to send a secret are one way.
 */
export const secretFor = Effect.fnUntraced(function* (client: Client.Client, to: Client.ClientMetadata) {
  const [before, after] = [client.metadata.token_endpoint_auth_method, to.token_endpoint_auth_method]
  if (before === after || (Client.usesSecret(before) && Client.usesSecret(after))) return undefined
  return Client.usesSecret(after) ? Option.some(yield* newClientSecret) : Option.none()
})
