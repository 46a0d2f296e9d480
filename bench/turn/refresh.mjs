/**
 * A refresh as plain functions: the facts are read and the rotation is written by functions that answer at once. `server.mjs`
 * calls it. The SQL, the rules of the domain and the rendering are those of the server. A comment names each rule that the
 * server has only inside an effect, so that it is repeated here (ADR 47).
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AccessToken from "#dist/domain/AccessToken"
import * as Base64Url from "#dist/domain/Base64Url"
import * as Client from "#dist/domain/Client"
import * as Grant from "#dist/domain/Grant"
import * as Identifier from "#dist/domain/Identifier"
import { InvalidClient, InvalidGrant, UnauthorizedClient } from "#dist/domain/OAuthError"
import * as Parameters from "#dist/domain/Parameters"
import * as RefreshToken from "#dist/domain/RefreshToken"
import * as ResourceScopes from "#dist/domain/ResourceScopes"
import * as Scope from "#dist/domain/Scope"
import * as Time from "#dist/domain/Time"
import * as Wire from "#dist/http/wire/Wire"
import * as SecretMethods from "#dist/services/clients/SecretMethods"
import * as Narrowing from "#dist/services/grants/Narrowing"
import * as Networks from "#dist/services/grants/Networks"
import * as Crypto from "#dist/services/keys/Crypto"
import * as Xaes256Gcm from "#dist/services/keys/Xaes256Gcm"
import * as RequestedResources from "#dist/services/resources/RequestedResources"
import * as RefreshChain from "#dist/services/tokens/RefreshChain"
import { makeRows } from "./rows.mjs"

/** @typedef {import("#dist/domain/OAuthError").OAuthError} OAuthError */
/** @typedef {import("#dist/layers/sql/sqlite/SqliteConnection").SqliteConnection} Connection */
/** @typedef {{ readonly kind: import("#dist/domain/Event").EventKind, readonly isStored: boolean }} Publication */
/** @typedef {{ readonly response: HttpServerResponse.HttpServerResponse, readonly events: ReadonlyArray<Publication>, readonly error?: OAuthError }} Outcome */
/** @typedef {{ readonly rotation: Grant.Rotation, readonly conclude: (answer: Grant.RotationAnswer) => Either.Either<Outcome, OAuthError> }} Prepared */
/**
 * A request, and the facts that all requests of a turn share.
 *
 * @typedef {object} Request
 * @property {import("@effect/platform/HttpServerRequest").HttpServerRequest} request
 * @property {string} body
 * @property {Option.Option<string>} network
 */
/**
 * @typedef {object} Shared
 * @property {DateTime.Utc} now
 * @property {ReadonlyArray<import("#dist/domain/Resource").Resource>} known
 * @property {import("#dist/services/keys/Keyring").RootKey} root
 */

/**
 * Seals claims under a root key, as `Seals.seal` does in an effect.
 *
 * @param {string} issuer
 * @param {Crypto.SecureRandom["Type"]} random
 */
const sealer = (issuer, random) => {
  const encoder = new TextEncoder()
  /** @type {Map<string, { readonly key: Xaes256Gcm.Key, readonly data: Uint8Array }>} */
  const known = new Map()
  return (/** @type {Shared["root"]} */ { bytes, id }, /** @type {AccessToken.AccessTokenClaims} */ claims) => {
    let own = known.get(id)
    if (own === undefined) {
      const key = Xaes256Gcm.importKey(Crypto.deriveKey(Redacted.value(bytes), JSON.stringify(["access", issuer])))
      own = { key, data: encoder.encode(JSON.stringify([AccessToken.prefix, id, "access", issuer])) }
      known.set(id, own)
    }
    const text = encoder.encode(AccessToken.toJson(claims))
    const sealed = Xaes256Gcm.seal(own.key, random.bytes(Xaes256Gcm.nonceLength), text, own.data)
    return AccessToken.prefix + id + Base64Url.encode(sealed)
  }
}

const invalid = (/** @type {InvalidGrant["reason"]} */ reason) =>
  new InvalidGrant({ reason, description: "the refresh token is invalid, expired or revoked" })

const refuse = (/** @type {InvalidGrant["reason"]} */ reason) => Either.left(invalid(reason))

const noClient = (/** @type {InvalidClient["reason"]} */ reason) =>
  Either.left(new InvalidClient({ reason, description: "client authentication failed" }))

/**
 * The rules of `SecretMethods` for a secret, which it has in an effect.
 *
 * @param {ReadonlyArray<import("#dist/services/clients/BasicCredentials").IdAndSecret>} readings
 * @param {(id: Client.ClientId) => Option.Option<Client.Client>} find
 * @param {DateTime.Utc} now
 * @returns {Either.Either<Client.Client, InvalidClient>}
 */
const authenticate = (readings, find, now) => {
  if (readings.length === 0) return noClient("MissingCredentials")
  // An error has a stack, which takes as long as the rest of this function.
  /** @type {InvalidClient["reason"]} */
  let reason = "MalformedCredentials"
  for (const { clientId, secret } of readings) {
    const client = Option.getOrUndefined(Option.flatMap(Client.parseId(clientId), find))
    const stored = Option.getOrUndefined(client?.secret ?? Option.none())
    if (client === undefined || stored === undefined) reason = "UnknownClient"
    else if (client.state === "Disabled") reason = "Disabled"
    else if (!Crypto.digestsEqual(Crypto.digest(secret), stored.digest)) reason = "WrongSecret"
    else if (Option.exists(stored.expiresAt, (end) => !Time.isBefore(now, end))) reason = "ExpiredSecret"
    else return Either.right(client)
  }
  return noClient(reason)
}

/**
 * Returns the functions that refresh. `refresh` must run inside a transaction, and its answers may be sent after the commit. `prepare` and
 * `conclude` are the plain parts before and after the rotation.
 *
 * @param {object} options
 * @param {Connection} options.connection
 * @param {import("#dist/domain/Settings").Settings} options.settings
 * @param {import("#dist/services/keys/Seals").Seals["Type"]} options.seals
 * @param {Crypto.SecureRandom["Type"]} options.random
 */
export const make = ({ connection, random, seals, settings }) => {
  const { issuer, lifetimes, retryFromElsewhere } = settings
  const rows = makeRows(connection, issuer)
  const seal = sealer(issuer, random)

  /** @returns {Either.Either<Prepared, OAuthError>} */
  const prepare = (/** @type {Request} */ { body, network, request }, /** @type {Shared} */ { known, now, root }) => {
    // `Body.formOnly` and the handler of the token endpoint have these checks in an effect.
    const parameters = Parameters.parse(body)
    if (Either.isLeft(parameters)) return Either.left(parameters.left)
    const repeated = Parameters.refuseRepeated(parameters.right, new Set(["resource"]))
    if (Either.isLeft(repeated)) return Either.left(repeated.left)
    const credentials = SecretMethods.readings({ headers: request.headers, parameters: parameters.right })
    if (Either.isLeft(credentials)) return Either.left(credentials.left)
    const authenticated = authenticate(credentials.right, rows.client, now)
    if (Either.isLeft(authenticated)) return Either.left(authenticated.left)
    const client = authenticated.right
    if (!Client.mayUse(client, "refresh_token")) {
      return Either.left(new UnauthorizedClient({ reason: "GrantTypeNotRegistered", description: "not registered" }))
    }
    const sent = Parameters.required(parameters.right, "refresh_token")
    if (Either.isLeft(sent)) return Either.left(sent.left)

    // From here on it is `RefreshTokenGrant` without `yield*`.
    const parsed = RefreshToken.parse(sent.right)
    if (Option.isNone(parsed)) return refuse("Unknown")
    const presented = parsed.value
    const grant = Option.getOrUndefined(rows.grant(presented.grantId))
    if (grant === undefined) return refuse("Unknown")
    const { terms } = grant
    const ids = { grantId: terms.id, subject: terms.subject, clientId: terms.clientId }
    if (terms.clientId !== client.id) return refuse("WrongClient")
    if (!Grant.isRefreshable(grant)) return refuse(grant._tag === "Revoked" ? "Revoked" : "Unknown")
    const opened = seals.peek({ purpose: "chain", prefix: "lk_ck_" }, grant.chain.value.key, now.epochMillis)
    if (opened === undefined || Option.isNone(opened)) throw new Error("the chain key does not open")
    // `RefreshChain.recognise` has this comparison in an effect.
    const { generation, grantId, secret, tag } = presented
    const own = Crypto.hmac(opened.value, "tag", grantId, String(generation), Redacted.value(secret)).subarray(0, 16)
    if (!Crypto.equals(own, tag)) return refuse("Unknown")
    const key = Redacted.make(opened.value)

    const scope = Narrowing.scope(terms, known, Parameters.first(parameters.right, "scope"))
    if (Either.isLeft(scope)) return Either.left(scope.left)
    const resources = Parameters.all(parameters.right, "resource")
    const audience = RequestedResources.narrowed(terms.granted, known, resources)
    if (Either.isLeft(audience)) return Either.left(audience.left)
    // `TokenAnswer.issueAccessToken` and `AccessTokens.issue` have the next rules in an effect.
    if (Narrowing.isRemoved(scope.right, terms, client, known)) return refuse("ScopeTaken")
    const effective = Narrowing.scopeAt(scope.right, terms, client, known, audience.right)
    if (Either.isLeft(effective)) return Either.left(effective.left)
    const expiresAt = Time.endOf(now, lifetimes.accessToken, terms.expiresAt)
    const accessToken = seal(root, {
      audience: audience.right,
      issuedAt: now,
      expiresAt,
      id: AccessToken.TokenId.make(Identifier.format(now.epochMillis, random.bytes(10)), true),
      grantId: terms.id,
      ...(ResourceScopes.isSubset(
        ResourceScopes.filter(terms.granted, (_, uri) => effective.right.has(uri)),
        effective.right
      )
        ? {}
        : { scope: effective.right })
    })
    if (accessToken.length > AccessToken.maxLength) return Either.left(RequestedResources.tooMany)

    const successor = RefreshChain.next(key, presented)
    const text = RefreshToken.format(successor)
    /** @type {Grant.Rotation} */
    const rotation = {
      grantId: terms.id,
      generation: presented.generation,
      digest: Crypto.digestOf(sent.right),
      successor: Crypto.digest(text),
      now,
      retryWindow: lifetimes.refreshWindow,
      network: Networks.ofRotation(key, { network }),
      fromElsewhere: retryFromElsewhere,
      idleExpiresAt: Time.endOf(now, lifetimes.refreshTokenIdle, terms.expiresAt)
    }

    // The members of RFC 6749 §5.1, which the token endpoint keeps to itself.
    /** @returns {Either.Either<Outcome, OAuthError>} */
    const issued = (/** @type {Redacted.Redacted} */ refreshToken, /** @type {Publication} */ event) => {
      const expires_in = Time.secondsUntil(now, expiresAt)
      const given = ResourceScopes.scope(effective.right)
      const granted = Scope.isEmpty(given) ? {} : { scope: Scope.format(given) }
      const tokens = { refresh_token: Redacted.value(refreshToken) }
      const json = { access_token: accessToken, token_type: "Bearer", expires_in, ...granted, ...tokens }
      const response = HttpServerResponse.unsafeJson(json, { headers: Wire.noStore })
      return Either.right({ response, events: [event] })
    }
    /** @returns {Either.Either<Outcome, OAuthError>} */
    const revoked = (/** @type {Grant.RevocationReason} */ reason, /** @type {InvalidGrant["reason"]} */ refusal) => {
      const error = invalid(refusal)
      const isNew = rows.revoke(terms.id, reason, now)
      /** @type {ReadonlyArray<Publication>} */
      const events = isNew ? [{ kind: { _tag: "Revoked", ...ids, reason }, isStored: true }] : []
      return Either.right({ response: Wire.toJson(error, issuer), events, error })
    }
    /** @returns {Either.Either<Outcome, OAuthError>} */
    const conclude = (/** @type {Grant.RotationAnswer} */ answer) => {
      switch (answer._tag) {
        case "Rotated": {
          const isStored = !Time.isSameDay(grant.chain.value.rotatedAt, now)
          return issued(text, { kind: { _tag: "Refreshed", ...ids, generation: successor.generation }, isStored })
        }
        case "Retried": {
          const current = answer.grant.chain.value.generation
          const token = RefreshToken.format(RefreshChain.advance(key, presented, current))
          return issued(token, { kind: { _tag: "Retried", ...ids, generation: current }, isStored: true })
        }
        case "Replayed":
          return revoked("RefreshTokenReplayed", "Replayed")
        case "Ahead":
          return revoked("LostWrites", "Ahead")
        default:
          return refuse(answer._tag)
      }
    }
    return Either.right({ rotation, conclude })
  }

  /** @returns {Outcome} */
  const outcomeOf = (/** @type {Either.Either<Outcome, OAuthError>} */ answer) =>
    Either.getOrElse(answer, (error) => ({ response: Wire.toJson(error, issuer), events: [], error }))
  return {
    prepare,
    outcomeOf,
    refresh: (/** @type {Request} */ request, /** @type {Shared} */ shared) =>
      outcomeOf(Either.flatMap(prepare(request, shared), ({ conclude, rotation }) => conclude(rows.rotate(rotation))))
  }
}
