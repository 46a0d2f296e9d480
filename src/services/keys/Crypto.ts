/**
 * Digests, message authentication and randomness. Only this file and `Xaes256Gcm`, which encrypts, call `node:crypto`.
 */

// biome-ignore lint/style/noRestrictedImports: this file wraps it.
import * as NodeCrypto from "node:crypto"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../../domain/Base64Url.js"
import { CodeChallenge, type CodeVerifier } from "../../domain/CodeChallenge.js"
import { Digest } from "../../domain/Digest.js"
import * as Identifier from "../../domain/Identifier.js"
import * as Fibers from "../Fibers.js"

const pool = new Uint8Array(4096)
let unused = 0

/**
 * Returns random bytes of the operating system's generator, drawn in large portions: one call to the generator costs as much as
 * the rest of a draw. The bytes are a copy, and those in the pool are overwritten, so that no secret stays there.
 */
const draw = (length: number): Uint8Array => {
  if (length > pool.length) return NodeCrypto.randomBytes(length)
  if (unused < length) {
    NodeCrypto.randomFillSync(pool)
    unused = pool.length
  }
  unused -= length
  const bytes = pool.slice(unused, unused + length)
  pool.fill(0, unused, unused + length)
  return bytes
}

/** The source of random bytes: the generator of the operating system, unless a test replaces it. */
export class SecureRandom extends Context.Reference<SecureRandom>()("latchkey/SecureRandom", {
  defaultValue: () => ({ bytes: draw })
}) {}

/** Returns `length` random bytes. */
export const randomBytes = (length: number): Effect.Effect<Uint8Array> =>
  Fibers.withFiber((fiber) => Effect.succeed(Context.get(fiber.currentContext, SecureRandom).bytes(length)))

/** Returns a new secret: 256 random bits in base64url, after a prefix that secret scanners recognise, if it has one. */
export const randomSecret = (prefix = ""): Effect.Effect<Redacted.Redacted> =>
  Effect.map(randomBytes(32), (bytes) => Redacted.make(prefix + Base64Url.encode(bytes)))

/** Returns a new identifier of a row (see `domain/Identifier`). */
export const identifier: Effect.Effect<string> = Fibers.withFiber((fiber) =>
  Effect.succeed(Identifier.format(Fibers.millis(fiber), Context.get(fiber.currentContext, SecureRandom).bytes(10)))
)

/** Returns a new identifier without an effect, for the hot path, such as the id of each request. It is a name, not a secret. */
export const nextIdentifier = (millis: number): string => Identifier.format(millis, draw(10))

/** Returns the SHA-256 of the UTF-8 of a high-entropy secret. */
export const digest = (secret: Redacted.Redacted): Digest => digestOf(Redacted.value(secret))

/** Returns the SHA-256 of the UTF-8 of a text that is no secret. */
export const digestOf = (text: string): Digest => Digest.make(NodeCrypto.hash("sha256", text, "base64url"), true)

/** BASE64URL(SHA256(ASCII(code_verifier))) (RFC 7636 §4.6). */
export const challengeOf = (verifier: CodeVerifier): CodeChallenge => CodeChallenge.make(digestOf(verifier), true)

/** Returns the HMAC-SHA256 of parts. The length precedes each part, so that no two lists of parts are the same message. */
export const hmac = (key: Uint8Array, ...parts: ReadonlyArray<Uint8Array | string>): Uint8Array => {
  let size = 0
  for (const part of parts) size += 4 + Buffer.byteLength(part)
  const message = Buffer.allocUnsafe(size)
  let end = 0
  for (const part of parts) {
    const begin = message.writeUInt32BE(Buffer.byteLength(part), end)
    if (typeof part === "string") end = begin + message.write(part, begin, "utf8")
    else {
      message.set(part, begin)
      end = begin + part.length
    }
  }
  return NodeCrypto.createHmac("sha256", key).update(message).digest()
}

/** Derives a 256-bit key for one use from a root key (HKDF-SHA256, RFC 5869). */
export const deriveKey = (root: Uint8Array, use: string): Uint8Array =>
  new Uint8Array(NodeCrypto.hkdfSync("sha256", root, new Uint8Array(0), use, 32))

/** Compares two secrets of equal length, in time that does not depend on where they differ. */
export const equals = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && NodeCrypto.timingSafeEqual(left, right)

/** Compares two digests in the same way. */
export const digestsEqual = (left: Digest, right: Digest): boolean =>
  equals(Buffer.from(left, "latin1"), Buffer.from(right, "latin1"))

/** Returns the SHA-256 of a style sheet or script in the form of a Content-Security-Policy (CSP Level 3 §2.3.1). */
export const styleHash = (styles: string): string =>
  NodeCrypto.createHash("sha256").update(styles, "utf8").digest("base64")
