/** Client assertions as a client makes them, and as an attacker does (RFC 7523 §3). */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto"

/** The algorithms of the server, and the keys that go with them. */
export const algorithms = ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"] as const
export type Algorithm = (typeof algorithms)[number]

/** A key of a client: its public half as a JWK, and the private one. */
export interface ClientKey {
  readonly alg: Algorithm
  readonly jwk: Readonly<Record<string, unknown>>
  readonly privateKey: KeyObject
}

const pairOf = (alg: Algorithm, bits: number) => {
  if (alg === "ES256") return generateKeyPairSync("ec", { namedCurve: "P-256" })
  if (alg === "EdDSA" || alg === "Ed25519") return generateKeyPairSync("ed25519")
  return generateKeyPairSync("rsa", { modulusLength: bits })
}

/** Makes a key. Its JWK has these members as well. */
export const makeKey = (alg: Algorithm, members: Readonly<Record<string, unknown>> = {}, bits = 2048): ClientKey => {
  const { privateKey, publicKey } = pairOf(alg, bits)
  return { alg, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), ...members } }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Returns a signature of any algorithm that the key can make. */
const signatureOf = ({ alg, privateKey }: ClientKey, input: string): string => {
  const bytes = Buffer.from(input)
  if (alg === "ES256") {
    return sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")
  }
  if (alg === "PS256") {
    return sign("sha256", bytes, { key: privateKey, padding: 6, saltLength: 32 }).toString("base64url")
  }
  return sign(alg === "RS256" ? "sha256" : null, bytes, privateKey).toString("base64url")
}

/** Signs a header and claims. */
export const signed = (key: ClientKey, header: object, claims: object): string => {
  const input = `${encode({ alg: key.alg, ...header })}.${encode(claims)}`
  return `${input}.${signatureOf(key, input)}`
}

/** Returns the claims of an assertion as RFC 7523 §3 asks for them. `now` is in milliseconds. */
export const claimsOf = (clientId: string, audience: unknown, now: number, changes: object = {}) => ({
  iss: clientId,
  sub: clientId,
  aud: audience,
  jti: randomUUID(),
  iat: Math.floor(now / 1000),
  exp: Math.floor(now / 1000) + 60,
  ...changes
})

export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/** Returns the parameters of a request with an assertion. */
export const parametersOf = (assertion: string) => ({
  client_assertion: assertion,
  client_assertion_type: assertionType
})
