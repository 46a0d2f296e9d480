/** Texts that look like JSON Web Tokens (RFC 7519). */

/** A JWT with these parts; the signature is not computed. */
export const jwt = (header: object, claims: object, signature = "AAAA"): string =>
  [...[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")), signature].join(".")
