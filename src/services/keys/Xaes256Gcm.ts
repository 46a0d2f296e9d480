/**
 * XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM with a 192-bit nonce, so that nonces may be random for any
 * number of messages under one key. The key of one message is derived from a 256-bit key and the first half of the nonce
 * (SP 800-108r1 counter mode over CMAC). The second half is the nonce of AES-GCM.
 */

// biome-ignore lint/style/noRestrictedImports: this file wraps it.
import * as NodeCrypto from "node:crypto"
import * as Option from "effect/Option"

export const keyLength = 32
export const nonceLength = 24
export const tagLength = 16

const gcm = { authTagLength: tagLength }

/** An imported key. */
export interface Key {
  readonly bytes: Uint8Array
  /** AES-256 of single blocks under the key. ECB chains nothing, so one cipher serves all messages. */
  readonly cipher: NodeCrypto.Cipher
  /** CMAC's first subkey (SP 800-38B §6.1). */
  readonly subkey: Uint8Array
}

/** Imports a key of 32 bytes. */
export const importKey = (bytes: Uint8Array): Key => {
  if (bytes.length !== keyLength) throw new RangeError("an XAES-256-GCM key has 32 bytes")
  const cipher = NodeCrypto.createCipheriv("aes-256-ecb", bytes, null).setAutoPadding(false)
  const subkey = cipher.update(new Uint8Array(16))
  const carry = (subkey[0] ?? 0) >> 7
  for (let i = 0; i < 16; i++) subkey[i] = (((subkey[i] ?? 0) << 1) | ((subkey[i + 1] ?? 0) >> 7)) & 0xff
  subkey[15] = (subkey[15] ?? 0) ^ (carry * 0x87)
  return { bytes, cipher, subkey }
}

/** Derives the key of the message with this nonce. */
const messageKey = ({ cipher, subkey }: Key, nonce: Uint8Array): Buffer => {
  const blocks = Buffer.allocUnsafe(32)
  for (let i = 0; i < 16; i++) {
    const byte = i < 4 ? (label[i] ?? 0) : (nonce[i - 4] ?? 0)
    blocks[i] = blocks[i + 16] = byte ^ (subkey[i] ?? 0)
  }
  // The counters of the two blocks.
  blocks[1] = (blocks[1] ?? 0) ^ 1
  blocks[17] = (blocks[17] ?? 0) ^ 2
  return cipher.update(blocks)
}

/** The beginning of both blocks: counter, label and separator. The counter is added later. */
const label = [0, 0, 0x58, 0]

/** Returns nonce, ciphertext and tag, in this order. `nonce` is 24 random bytes that are used for this message only. */
export const seal = (key: Key, nonce: Uint8Array, plaintext: Uint8Array, additionalData: Uint8Array): Uint8Array => {
  const cipher = NodeCrypto.createCipheriv("aes-256-gcm", messageKey(key, nonce), nonce.subarray(12), gcm)
  cipher.setAAD(additionalData)
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Returns the plaintext of a message that `seal` made with the same key and additional data; `None` for any other bytes. */
export const open = (key: Key, sealed: Uint8Array, additionalData: Uint8Array): Option.Option<Uint8Array> => {
  if (sealed.length < nonceLength + tagLength) return Option.none()
  const nonce = sealed.subarray(0, nonceLength)
  const decipher = NodeCrypto.createDecipheriv("aes-256-gcm", messageKey(key, nonce), nonce.subarray(12), gcm)
    .setAAD(additionalData)
    .setAuthTag(sealed.subarray(sealed.length - tagLength))
  const plaintext = decipher.update(sealed.subarray(nonceLength, sealed.length - tagLength))
  try {
    return Option.some(Buffer.concat([plaintext, decipher.final()]))
  } catch {
    return Option.none()
  }
}
