/**
 * The network of a login in a session's row: sealed under a key that is derived from the master key, and bound to the session
 * (ADR 36). The database alone reveals no address, and the user of the session still sees the network.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../../domain/Base64Url.js"
import type { SessionId } from "../../domain/Session.js"
import { deriveKey, randomBytes } from "../keys/Crypto.js"
import * as Xaes256Gcm from "../keys/Xaes256Gcm.js"
import { ServerSettings } from "../ServerSettings.js"
import { Storage } from "../stores/Storage.js"

/** Makes the functions that seal and open the networks of this server's logins. */
export const make = Effect.map(Effect.all([Storage, ServerSettings]), ([{ masterKey }, { issuer }]) => {
  const purpose = "session network"
  const key = Xaes256Gcm.importKey(deriveKey(Redacted.value(masterKey), JSON.stringify([purpose, issuer])))
  const additionalData = (id: SessionId) => new TextEncoder().encode(JSON.stringify([purpose, id, issuer]))

  return {
    /** Seals the network for the session. */
    seal: (id: SessionId, network: string): Effect.Effect<string> =>
      Effect.map(randomBytes(Xaes256Gcm.nonceLength), (nonce) =>
        Base64Url.encode(Xaes256Gcm.seal(key, nonce, new TextEncoder().encode(network), additionalData(id)))
      ),
    /** Returns the network that was sealed for the session; `None` for any other text. */
    open: (id: SessionId, sealed: string): Option.Option<string> =>
      Base64Url.decode(sealed).pipe(
        Option.flatMap((bytes) => Xaes256Gcm.open(key, bytes, additionalData(id))),
        Option.map((bytes) => new TextDecoder().decode(bytes))
      )
  }
})
