/** How a root key lies in the `KeyStore`: sealed under the master key, bound to its id and to the issuer. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../../domain/Base64Url.js"
import type { Issuer } from "../../domain/Issuer.js"
import { ServerSettings } from "../ServerSettings.js"
import { KeyId, type KeyState, type StoredKey } from "../stores/KeyStore.js"
import { Storage } from "../stores/Storage.js"
import { deriveKey, randomBytes } from "./Crypto.js"
import * as Xaes256Gcm from "./Xaes256Gcm.js"

/** Makes and opens the root keys of an issuer. */
export const of = (masterKey: Redacted.Redacted<Uint8Array>, issuer: Issuer) => {
  const wrappingKey = Xaes256Gcm.importKey(deriveKey(Redacted.value(masterKey), JSON.stringify(["key", issuer])))
  const additionalData = (id: KeyId) => new TextEncoder().encode(JSON.stringify(["key", id, issuer]))

  return {
    /** A new key, drawn at random. */
    create: Effect.fnUntraced(function* (state: KeyState) {
      const id = KeyId.make(Base64Url.encode(yield* randomBytes(6)))
      const sealed = Xaes256Gcm.seal(
        wrappingKey,
        yield* randomBytes(Xaes256Gcm.nonceLength),
        yield* randomBytes(Xaes256Gcm.keyLength),
        additionalData(id)
      )
      const key: StoredKey = { id, sealed: Base64Url.encode(sealed), createdAt: yield* DateTime.now, state }
      return key
    }),
    /** The bytes of a key; `None` when it was made under another master key. */
    open: ({ id, sealed }: StoredKey): Option.Option<Redacted.Redacted<Uint8Array>> =>
      Base64Url.decode(sealed).pipe(
        Option.flatMap((sealed) => Xaes256Gcm.open(wrappingKey, sealed, additionalData(id))),
        Option.map((bytes) => Redacted.make(bytes))
      )
  }
}

/** Makes and opens the root keys of this server's issuer. */
export const make = Effect.map(Effect.all([Storage, ServerSettings]), ([{ masterKey }, { issuer }]) =>
  of(masterKey, issuer)
)
