/** Makes grants with the ordinary services, as the code grant does, each with its first refresh token. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Subject } from "#dist/domain/Account"
import { CodeChallenge } from "#dist/domain/CodeChallenge"
import { GrantId } from "#dist/domain/Grant"
import { RedirectUri } from "#dist/domain/RedirectUri"
import * as RefreshToken from "#dist/domain/RefreshToken"
import { ResourceIndicator } from "#dist/domain/Resource"
import * as ResourceScopes from "#dist/domain/ResourceScopes"
import * as Scope from "#dist/domain/Scope"
import { SessionId } from "#dist/domain/Session"
import { ClientRegistration } from "#dist/services/clients/ClientRegistration"
import * as Crypto from "#dist/services/keys/Crypto"
import { ConsentStore } from "#dist/services/stores/ConsentStore"
import { GrantStore } from "#dist/services/stores/GrantStore"
import { RefreshChain } from "#dist/services/tokens/RefreshChain"

const redirectUri = RedirectUri.make("https://client.example.com/callback")

/**
 * Registers a client, and makes grants of its users. `concurrency` grants are made at once.
 *
 * @param {{
 *   readonly metadata: object, readonly count: number, readonly resource: string, readonly scope: string, readonly concurrency: number
 * }} options
 */
export const makeGrants = ({ concurrency, count, metadata, resource, scope }) =>
  Effect.gen(function* () {
    const clients = yield* ClientRegistration
    const consents = yield* ConsentStore
    const store = yield* GrantStore
    const chains = yield* RefreshChain
    const { client, secret } = yield* clients.create({
      client_name: "Refresher",
      redirect_uris: [redirectUri],
      scope,
      ...metadata
    })
    const now = yield* DateTime.now
    const later = (/** @type {Duration.Duration} */ duration) => DateTime.addDuration(now, duration)
    const granted = ResourceScopes.make([ResourceIndicator.make(resource), Scope.make(scope)])
    const tokens = yield* Effect.forEach(
      Array.from({ length: count }, (_, i) => Subject.make(`person-${i}`)),
      (subject) =>
        Effect.gen(function* () {
          const consent = {
            subject,
            clientId: client.id,
            granted,
            redirectUris: new Set([redirectUri]),
            updatedAt: now
          }
          const { epoch } = yield* consents.record(consent)
          const id = GrantId.make(yield* Crypto.identifier)
          const digest = Crypto.digestOf(`code ${id}`)
          const challenge = CodeChallenge.make(Crypto.digestOf(`challenge ${id}`))
          const epochs = { subject: 0, client: client.epoch, consent: epoch }
          const times = { authenticatedAt: now, approvedAt: now, expiresAt: later(Duration.days(180)) }
          const terms = {
            id,
            subject,
            clientId: client.id,
            redirectUri,
            granted,
            sessionId: SessionId.make(id),
            epochs,
            installation: Option.none()
          }
          const code = { digest, challenge, expiresAt: later(Duration.minutes(1)) }
          yield* store.approve({ _tag: "Approved", terms: { ...terms, ...times }, code })
          const { sealedKey: key, token } = yield* chains.begin(id)
          const text = RefreshToken.format(token)
          yield* store.redeem({
            grantId: id,
            digest,
            clientId: client.id,
            redirectUri: Option.some(redirectUri),
            challenge,
            now,
            duplicateWindow: Duration.zero,
            network: Option.none(),
            fromElsewhere: "Allow",
            chain: Option.some({ digest: Crypto.digest(text), key, idleExpiresAt: later(Duration.days(30)) })
          })
          return text
        }),
      { concurrency }
    )
    return { client, secret, tokens }
  })
