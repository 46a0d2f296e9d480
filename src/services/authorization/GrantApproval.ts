/** Makes the grant that a user's consent covers, with its authorization code (RFC 6749 §4.1.2). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as AuthorizationCode from "../../domain/AuthorizationCode.js"
import type { AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import type { Consent } from "../../domain/Consent.js"
import type { AllowedBy } from "../../domain/Event.js"
import * as Grant from "../../domain/Grant.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { LoggedIn } from "../accounts/Sessions.js"
import { Events } from "../events/Events.js"
import { digest, identifier, randomBytes } from "../keys/Crypto.js"
import * as ServerClock from "../ServerClock.js"
import { ServerSettings } from "../ServerSettings.js"
import { ClientStore } from "../stores/ClientStore.js"
import { GrantStore } from "../stores/GrantStore.js"

/** The id of a new grant, and its authorization code. */
export interface NewGrant {
  readonly grantId: Grant.GrantId
  readonly code: Redacted.Redacted
}

/** A grant to make, and the consent that covers it. */
export interface Approval {
  readonly request: AuthorizationRequest
  readonly who: LoggedIn
  readonly grant: NewGrant
  readonly granted: ResourceScopes.ResourceScopes
  readonly consent: Consent
  readonly by: AllowedBy
}

/** Draws the id and the code of a new grant. */
export const draw: Effect.Effect<NewGrant> = Effect.gen(function* () {
  const grantId = Grant.GrantId.make(yield* identifier, true)
  return { grantId, code: AuthorizationCode.make(grantId, yield* randomBytes(32)).text }
})

/** The installation of the client of a metadata document: the user is at its device, in the browser of the session. */
const installation = (client: Client.Client, { browser, sealedNetwork }: LoggedIn["session"]): Grant.Installation => ({
  clientName: Client.displayName(client),
  authMethod: client.metadata.token_endpoint_auth_method,
  browser: browser ?? Option.none(),
  sealedNetwork: sealedNetwork ?? Option.none()
})

/** Builds the function that makes a grant and returns its state: `Approved` for a new one. */
export const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const clients = yield* ClientStore
  const events = yield* Events
  const { lifetimes } = yield* ServerSettings

  /**
   * The client as stored. The client of a metadata document is stored now, when a user has allowed it something. If it was
   * disabled since the request was validated, the grant has the earlier epoch, and cannot be redeemed.
   */
  const stored = (client: Client.Client) =>
    client.origin === "Document"
      ? Effect.map(clients.record(client), (recorded) => (recorded.state === "Enabled" ? recorded : client))
      : Effect.succeed(client)

  return Effect.fnUntraced(function* (approval: Approval) {
    const { by, consent, grant, granted, request } = approval
    const { account, session } = approval.who
    const now = yield* ServerClock.now
    const client = yield* stored(request.client)
    // Before the grant, so that maintenance does not delete the client as unused in between.
    if (Client.isUseNew(client, now)) yield* clients.markUsed(client.id, now)
    const answer = yield* grants.approve(
      Grant.Grant.Approved({
        terms: {
          id: grant.grantId,
          subject: account.id,
          clientId: request.client.id,
          redirectUri: request.redirectUri,
          granted,
          sessionId: session.id,
          authenticatedAt: session.authenticatedAt,
          approvedAt: now,
          expiresAt: DateTime.addDuration(now, lifetimes.grant),
          epochs: { subject: session.subjectEpoch, client: client.epoch, consent: consent.epoch },
          installation: client.origin === "Document" ? Option.some(installation(client, session)) : Option.none()
        },
        code: {
          digest: digest(grant.code),
          challenge: request.codeChallenge,
          expiresAt: DateTime.addDuration(now, lifetimes.authorizationCode)
        }
      })
    )
    if (answer !== "Approved") return answer.alreadyDecided
    yield* events.publish({
      _tag: "Allowed",
      grantId: grant.grantId,
      subject: account.id,
      clientId: request.client.id,
      scope: Scope.format(ResourceScopes.scope(granted)),
      by
    })
    return answer
  })
})
