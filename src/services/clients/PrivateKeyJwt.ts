/** The method `private_key_jwt`: a client signs a JWT with its private key (RFC 7523 §2.2, OpenID Connect Core §9). */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { JWK } from "jose"
import { compactVerify } from "jose/jws/compact/verify"
import type { Client } from "../../domain/Client.js"
import * as ClientKeySet from "../../domain/ClientKeySet.js"
import type { InvalidClient } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as AuthMethods from "../AuthMethods.js"
import { digestOf } from "../keys/Crypto.js"
import { ServerSettings } from "../ServerSettings.js"
import { SpentAssertionStore } from "../stores/SpentAssertionStore.js"
import * as ClientAssertion from "./ClientAssertion.js"
import * as ClientKeys from "./ClientKeys.js"

/** Returns the assertion of a request with the right `client_assertion_type`. */
const read = ({
  parameters
}: AuthMethods.Presented): Either.Either<
  Option.Option<AuthMethods.Claimed<ClientAssertion.ClientAssertion>>,
  InvalidClient
> => {
  if (Parameters.first(parameters, "client_assertion_type") !== ClientAssertion.assertionType) {
    return Either.right(Option.none())
  }
  const text = Parameters.first(parameters, "client_assertion") ?? ""
  return Either.map(ClientAssertion.read(text, Parameters.first(parameters, "client_id")), (credentials) =>
    Option.some({ clientId: credentials.clientId, credentials })
  )
}

/**
 * Returns the bare key: `ClientKeySet.candidates` has compared the algorithm already, and jose takes `EdDSA` and `Ed25519` for
 * different ones. It is the same object each time, because jose remembers what it made of an object.
 */
const bare = (key: ClientKeySet.PublicKey): JWK => {
  const known = bareKeys.get(key)
  if (known !== undefined) return known
  const { alg: _, use: __, ...made } = key
  bareKeys.set(key, made)
  return made
}

const bareKeys = new WeakMap<ClientKeySet.PublicKey, JWK>()

/** Whether one of the keys made the signature. A `jwk` or `jku` in the header is never used. */
const isSignedBy = ({ header, text }: ClientAssertion.ClientAssertion, keys: ReadonlyArray<ClientKeySet.PublicKey>) =>
  Effect.promise(async () => {
    for (const key of keys) {
      try {
        await compactVerify(text, bare(key), { algorithms: [header.alg] })
        return true
      } catch {
        // Another key may have made it.
      }
    }
    return false
  })

const make = Effect.gen(function* () {
  const clientKeys = yield* ClientKeys.ClientKeys
  const spentAssertions = yield* SpentAssertionStore
  const { issuer } = yield* ServerSettings

  /** Checks the signature. If no key made it and the header does not name a known one, newer keys are tried as well. */
  const checkSignature = Effect.fnUntraced(function* (assertion: ClientAssertion.ClientAssertion, client: Client) {
    const { header } = assertion
    const known = yield* clientKeys.of(client)
    const candidates = ClientKeySet.candidates(known.keys, header)
    if (yield* isSignedBy(assertion, candidates)) return
    if (header.kid !== undefined && candidates.some(({ kid }) => kid === header.kid)) {
      return yield* AuthMethods.refuse("WrongSignature")
    }
    const newer = ClientKeySet.candidates(
      Option.getOrElse(yield* known.newer, () => []),
      header
    )
    if (yield* isSignedBy(assertion, newer)) return
    return yield* AuthMethods.refuse(candidates.length + newer.length === 0 ? "UnknownKey" : "WrongSignature")
  })

  return Effect.fnUntraced(function* (assertion: ClientAssertion.ClientAssertion, client: Client) {
    const now = yield* Clock.currentTimeMillis
    const single = yield* ClientAssertion.check(assertion, { issuer, now })
    const registered = client.metadata.token_endpoint_auth_signing_alg
    if (registered !== undefined && !ClientKeySet.isSameAlgorithm(registered, assertion.header.alg)) {
      return yield* AuthMethods.refuse("AssertionAlgorithm")
    }
    yield* checkSignature(assertion, client)
    const id = digestOf(ClientAssertion.spentAs(client.id, single))
    const isFirst = yield* spentAssertions.spend(id, DateTime.unsafeMake(single.expiresAt))
    return isFirst ? true : yield* AuthMethods.refuse("AssertionReplayed")
  })
})

/** Registers the method. */
export const layer = Layer.unwrapEffect(
  Effect.map(make, (verify) =>
    AuthMethods.layer({
      name: "private_key_jwt",
      signingAlgorithms: ClientKeySet.algorithms,
      read,
      verify
    })
  )
)
