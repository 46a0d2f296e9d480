/** The keys in the metadata that a client requests (RFC 7591 §2): `jwks`, `jwks_uri` and the algorithm of its signatures. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Client from "./Client.js"
import * as ClientKeySet from "./ClientKeySet.js"
import { InvalidClientMetadata } from "./OAuthError.js"
import * as Url from "./Url.js"

/** The members of the metadata that `private_key_jwt` needs. */
export type Keys = Pick<Client.ClientMetadata, "jwks" | "jwks_uri" | "token_endpoint_auth_signing_alg">

/** The members as they were sent; `undefined` without a value. */
export type Sent = Readonly<Record<keyof Keys, unknown>>

/** Maximum length of `jwks` as JSON text. */
const maxLength = 16 * 1024

const unusable = (description: string) =>
  Either.left(new InvalidClientMetadata({ reason: "UnusableKeys", description }))

const decodeAddress = Schema.decodeUnknownEither(Client.ClientMetadata.pick("jwks_uri"))

/**
 * Fails if the metadata have a private key or a shared secret, also where nothing would use it: a client that sends one has
 * made a mistake that it must know of.
 */
export const refuseSecrets = (jwks: unknown): Either.Either<void, InvalidClientMetadata> =>
  ClientKeySet.hasPrivateKey(jwks)
    ? unusable("jwks has a private key or a shared secret; send public keys only, and replace the key that was sent")
    : Either.void

const readSet = (jwks: unknown): Either.Either<Keys, InvalidClientMetadata> => {
  const keys = ClientKeySet.read(jwks, Number.POSITIVE_INFINITY)
  if (keys === undefined) return unusable("jwks is no JWK Set (RFC 7517, 5)")
  if (keys.length > ClientKeySet.maxKeys || JSON.stringify(jwks).length > maxLength) {
    return unusable(`jwks has more than ${ClientKeySet.maxKeys} keys, or more than ${maxLength} characters`)
  }
  return keys.length === 0
    ? unusable(
        "jwks has no key for a signature: give EC keys on P-256, Ed25519 keys, or RSA keys of at least 2048 bits"
      )
    : Either.right({ jwks: { keys } })
}

/**
 * Returns the keys of a client that signs; fails if there are none that can be used. `allowsLoopback` says whether the keys may
 * be at an http address on loopback.
 */
export const read = (sent: Sent, allowsLoopback: boolean): Either.Either<Keys, InvalidClientMetadata> =>
  Either.gen(function* () {
    const algorithm = sent.token_endpoint_auth_signing_alg
    if (algorithm !== undefined && !ClientKeySet.isAlgorithm(algorithm)) {
      return yield* unusable(`token_endpoint_auth_signing_alg is none of ${ClientKeySet.algorithms.join(", ")}`)
    }
    const signed = algorithm === undefined ? {} : { token_endpoint_auth_signing_alg: algorithm }
    if (sent.jwks !== undefined) return { ...(yield* readSet(sent.jwks)), ...signed }
    if (sent.jwks_uri === undefined) return yield* unusable("private_key_jwt needs keys: give jwks or jwks_uri")
    const address = decodeAddress({ jwks_uri: sent.jwks_uri })
    if (Either.isLeft(address) || (!allowsLoopback && Url.parse(String(sent.jwks_uri))?.protocol !== "https:")) {
      return yield* unusable("jwks_uri is no https URL")
    }
    return { ...address.right, ...signed }
  })
