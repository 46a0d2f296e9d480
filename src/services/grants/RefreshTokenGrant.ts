/** `grant_type=refresh_token` (RFC 6749 §6, OAuth 2.1 §4.3). */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Client } from "../../domain/Client.js"
import * as Grant from "../../domain/Grant.js"
import { InvalidGrant, type InvalidRequest } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import * as Time from "../../domain/Time.js"
import { Events } from "../events/Events.js"
import * as GrantTypes from "../GrantTypes.js"
import { digest, digestOf } from "../keys/Crypto.js"
import * as RequestedResources from "../resources/RequestedResources.js"
import { Resources } from "../resources/Resources.js"
import * as ServerClock from "../ServerClock.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Spans from "../Spans.js"
import { GrantStore } from "../stores/GrantStore.js"
import { AccessTokens } from "../tokens/AccessTokens.js"
import * as RefreshChain from "../tokens/RefreshChain.js"
import * as Narrowing from "./Narrowing.js"
import * as Networks from "./Networks.js"
import { issueAccessToken, tokenResponse } from "./TokenAnswer.js"

/** The parameters of a request (RFC 6749 §6, RFC 8707 §2.2). */
interface Request {
  readonly refreshToken: string
  readonly scope: string | undefined
  readonly resource: ReadonlyArray<string>
}

const read = (parameters: Parameters.Parameters): Either.Either<Request, InvalidRequest> =>
  Either.map(Parameters.required(parameters, "refresh_token"), (refreshToken) => ({
    refreshToken,
    scope: Parameters.first(parameters, "scope"),
    resource: Parameters.all(parameters, "resource")
  }))

const refuse = (reason: InvalidGrant["reason"]) =>
  new InvalidGrant({ reason, description: "the refresh token is invalid, expired or revoked" })

/** Exchanges a refresh token. Every check that changes nothing comes first; then one statement rotates the chain. */
export const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const chains = yield* RefreshChain.RefreshChain
  const events = yield* Events
  const { lifetimes, retryFromElsewhere } = yield* ServerSettings
  const resources = yield* Resources
  const tokens = yield* AccessTokens
  return Spans.fn("RefreshTokenGrant.handle")(function* (request: Request, client: Client, caller: GrantTypes.Caller) {
    const parsed = RefreshToken.parse(request.refreshToken)
    if (Option.isNone(parsed)) return yield* refuse("Unknown")
    const presented = parsed.value

    const found = yield* grants.find(presented.grantId)
    if (Option.isNone(found)) return yield* refuse("Unknown")
    const grant = found.value
    const { terms } = grant
    const ids = { grantId: terms.id, subject: terms.subject, clientId: terms.clientId }
    Spans.annotate(ids)
    if (!Grant.isFor(terms, client)) return yield* refuse("WrongClient")
    if (!Grant.isRefreshable(grant)) return yield* refuse(grant._tag === "Revoked" ? "Revoked" : "Unknown")
    const key = yield* chains.recognise(presented, grant.chain.value.key)
    // A guessed token must not revoke a grant: a token that the chain does not recognise changes nothing.
    if (Option.isNone(key)) return yield* refuse("Unknown")

    const known = yield* resources.all
    const scope = yield* Narrowing.scope(terms, known, request.scope)
    const audience = yield* RequestedResources.narrowed(terms.granted, known, request.resource)
    const access = yield* issueAccessToken(tokens, { client, terms, scope, audience, known })

    const now = yield* ServerClock.now
    const successor = RefreshChain.next(key.value, presented)
    const text = RefreshToken.format(successor)
    const answer = yield* grants.rotate({
      grantId: terms.id,
      generation: presented.generation,
      digest: digestOf(request.refreshToken),
      successor: digest(text),
      now,
      retryWindow: lifetimes.refreshWindow,
      network: Networks.ofRotation(key.value, caller),
      fromElsewhere: retryFromElsewhere,
      idleExpiresAt: Time.endOf(now, lifetimes.refreshTokenIdle, terms.expiresAt)
    })

    const revoke = (reason: Grant.RevocationReason, refusal: InvalidGrant["reason"]) =>
      grants.revoke(terms.id, reason, now).pipe(
        Effect.tap((isNew) => (isNew ? events.publish({ _tag: "Revoked", ...ids, reason }) : Effect.void)),
        Effect.zipRight(refuse(refusal))
      )

    // Only the first refresh of a day is stored, so that the event log does not grow with every refresh (ADR 24).
    const publishOrEmit = Time.isSameDay(grant.chain.value.rotatedAt, now) ? events.emit : events.publish

    const publishElsewhere = () =>
      events.publish({ _tag: "RetriedElsewhere", ...ids, generation: presented.generation }, { keep: "FirstOfDay" })

    return yield* Grant.RotationAnswer.$match(answer, {
      Rotated: () =>
        Effect.as(
          publishOrEmit({ _tag: "Refreshed", ...ids, generation: successor.generation }),
          tokenResponse(access, Option.some(text))
        ),
      Retried: ({ elsewhere, grant }) =>
        Effect.as(
          elsewhere
            ? publishElsewhere()
            : events.publish(
                { _tag: "Retried", ...ids, generation: grant.chain.value.generation },
                { keep: "FirstOfDay" }
              ),
          tokenResponse(
            access,
            Option.some(RefreshToken.format(RefreshChain.advance(key.value, presented, grant.chain.value.generation)))
          )
        ),
      Replayed: ({ elsewhere }) =>
        Effect.zipRight(elsewhere ? publishElsewhere() : Effect.void, revoke("RefreshTokenReplayed", "Replayed")),
      Ahead: () => revoke("LostWrites", "Ahead"),
      Revoked: () => refuse("Revoked"),
      Expired: () => refuse("Expired"),
      Unknown: () => refuse("Unknown")
    })
  })
})

/** The refresh token grant. */
export const layer = Layer.unwrapEffect(
  Effect.map(make, (handle) => GrantTypes.layerBuiltIn({ grantType: "refresh_token", read, handle }))
)
