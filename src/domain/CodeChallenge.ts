/**
 * Proof key for code exchange (RFC 7636), S256 only: the server does not support `plain` (RFC 9700 §2.1.1).
 * `services/keys/Crypto` computes the challenge of a verifier.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const verifierPattern = /^[A-Za-z0-9._~-]{43,128}$/

/** code-verifier = 43*128unreserved (RFC 7636 §4.1). */
export const CodeVerifier = Schema.String.pipe(Schema.pattern(verifierPattern), Schema.brand("CodeVerifier"))
export type CodeVerifier = typeof CodeVerifier.Type

/** Reads a verifier; `None` for any other text. */
export const parseVerifier = (text: string): Option.Option<CodeVerifier> =>
  verifierPattern.test(text) ? Option.some(CodeVerifier.make(text, true)) : Option.none()

const challengePattern = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** BASE64URL(SHA256(…)): 43 characters, of which the last carries four bits (RFC 7636 §4.2). */
export const CodeChallenge = Schema.String.pipe(Schema.pattern(challengePattern), Schema.brand("CodeChallenge"))
export type CodeChallenge = typeof CodeChallenge.Type

/** Reads a challenge; `None` for any other text. */
export const parse = (text: string): Option.Option<CodeChallenge> =>
  challengePattern.test(text) ? Option.some(CodeChallenge.make(text, true)) : Option.none()

/** The only supported `code_challenge_method`. */
export const method = "S256"
