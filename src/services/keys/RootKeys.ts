/** Makes and opens root keys. Each is stored sealed under the master key, and bound to its id and to the issuer. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../../domain/Base64Url.js"
import type { Issuer } from "../../domain/Issuer.js"
import { KeyId, type KeyState, type StoredKey } from "../stores/KeyStore.js"
import { deriveKey, randomBytes } from "./Crypto.js"
import * as Xaes256Gcm from "./Xaes256Gcm.js"

/** The values that root keys are sealed under and bound to. */
export interface Owner {
  readonly masterKey: Redacted.Redacted<Uint8Array>
  readonly issuer: Issuer
}

const wrappingKey = ({ issuer, masterKey }: Owner): Xaes256Gcm.Key =>
  Xaes256Gcm.importKey(deriveKey(Redacted.value(masterKey), JSON.stringify(["key", issuer])))

const additionalData = ({ issuer }: Owner, id: KeyId): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(["key", id, issuer]))

/** Returns a new random key, sealed for the store. */
export const create = Effect.fnUntraced(function* (owner: Owner, state: KeyState) {
  const id = KeyId.make(Base64Url.encode(yield* randomBytes(6)))
  const sealed = Xaes256Gcm.seal(
    wrappingKey(owner),
    yield* randomBytes(Xaes256Gcm.nonceLength),
    yield* randomBytes(Xaes256Gcm.keyLength),
    additionalData(owner, id)
  )
  const key: StoredKey = { id, sealed: Base64Url.encode(sealed), createdAt: yield* DateTime.now, state }
  return key
})

/** Returns the bytes of a key; `None` if it was made under another master key, or for another issuer. */
export const open = (owner: Owner, { id, sealed }: StoredKey): Option.Option<Redacted.Redacted<Uint8Array>> =>
  Base64Url.decode(sealed).pipe(
    Option.flatMap((sealed) => Xaes256Gcm.open(wrappingKey(owner), sealed, additionalData(owner, id))),
    Option.map((bytes) => Redacted.make(bytes))
  )
