/**
 * The public keys with which a client signs (RFC 7517, RFC 7518 §6), as its metadata or its `jwks_uri` have them. Only members
 * that a signature needs are kept.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/**
 * The signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). `EdDSA` means Ed25519 here. An algorithm with a shared
 * secret is not among them, so a public key never serves as one.
 */
export const algorithms = ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"] as const

export const Algorithm = Schema.Literal(...algorithms)
export type Algorithm = typeof Algorithm.Type

export const isAlgorithm = Schema.is(Algorithm)

/** Maximum number of keys in the metadata of a client. */
export const maxKeys = 10

/** Maximum number of keys that one signature is checked with. */
const maxTried = 4

const coordinate = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{43}$/))

/** A member that a key may lack. */
const exactly = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const described = {
  kid: exactly(Schema.String.pipe(Schema.minLength(1), Schema.maxLength(200))),
  alg: exactly(Algorithm),
  use: exactly(Schema.Literal("sig"))
}

/** A public key: EC on P-256, Ed25519, or RSA with 2048 to 8192 bits and an exponent of at most 6 bytes. */
export const PublicKey = Schema.Union(
  Schema.Struct({
    kty: Schema.Literal("EC"),
    crv: Schema.Literal("P-256"),
    x: coordinate,
    y: coordinate,
    ...described
  }),
  Schema.Struct({ kty: Schema.Literal("OKP"), crv: Schema.Literal("Ed25519"), x: coordinate, ...described }),
  Schema.Struct({
    kty: Schema.Literal("RSA"),
    n: Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{342,1366}$/)),
    e: Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{2,8}$/)),
    ...described
  })
)
export type PublicKey = typeof PublicKey.Type

/** A JWK Set (RFC 7517 §5) with the keys of one client. */
export const ClientKeySet = Schema.Struct({ keys: Schema.Array(PublicKey).pipe(Schema.maxItems(maxKeys)) })
export interface ClientKeySet extends Schema.Schema.Type<typeof ClientKeySet> {}

/** Members that a private key or a shared secret has (RFC 7518 §6). */
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]

const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const hasPrivatePart = (key: unknown): boolean =>
  isRecord(key) && privateMembers.some((member) => Object.hasOwn(key, member))

const decodeKey = Schema.decodeUnknownEither(PublicKey)

/** Returns the key if a signature can be checked with it. */
const usable = (key: unknown): ReadonlyArray<PublicKey> => {
  if (!isRecord(key) || hasPrivatePart(key)) return []
  const operations: unknown = Reflect.get(key, "key_ops")
  if (Array.isArray(operations) && !operations.includes("verify")) return []
  return Either.match(decodeKey(key), { onLeft: () => [], onRight: (decoded) => [decoded] })
}

const keysOf = (json: unknown): ReadonlyArray<unknown> | undefined => {
  const keys: unknown = isRecord(json) ? Reflect.get(json, "keys") : undefined
  return Array.isArray(keys) ? keys : undefined
}

/** Whether a JWK Set has a private key or a shared secret, which a client must never send. */
export const hasPrivateKey = (json: unknown): boolean => keysOf(json)?.some(hasPrivatePart) === true

/** Returns the usable keys of a JWK Set, at most `limit`; `undefined` if the value is no JWK Set. Other keys are left out. */
export const read = (json: unknown, limit: number): ClientKeySet["keys"] | undefined =>
  keysOf(json)?.slice(0, limit).flatMap(usable)

/** Whether two names mean one algorithm: `EdDSA` and `Ed25519` do. */
export const isSameAlgorithm = (one: Algorithm, other: Algorithm): boolean =>
  one === other || (isEdwards(one) && isEdwards(other))

const isEdwards = (algorithm: Algorithm): boolean => algorithm === "EdDSA" || algorithm === "Ed25519"

/** Whether an algorithm goes with the type of a key, and with the algorithm that the key names. */
const fits = (key: PublicKey, algorithm: Algorithm): boolean => {
  if (key.alg !== undefined && !isSameAlgorithm(key.alg, algorithm)) return false
  return key.kty === (isEdwards(algorithm) ? "OKP" : algorithm === "ES256" ? "EC" : "RSA")
}

/**
 * Returns the keys that a signature with this header can be made with, at most four. If the header names a key, these are the
 * keys of that name, or else those without a name.
 */
export const candidates = (
  keys: ReadonlyArray<PublicKey>,
  header: { readonly alg: Algorithm; readonly kid: string | undefined }
): ReadonlyArray<PublicKey> => {
  const fitting = keys.filter((key) => fits(key, header.alg))
  if (header.kid === undefined) return fitting.slice(0, maxTried)
  const named = fitting.filter(({ kid }) => kid === header.kid)
  return (named.length > 0 ? named : fitting.filter(({ kid }) => kid === undefined)).slice(0, maxTried)
}
