/** Access tokens: issued sealed, and checked against the grant that they are of (ADR 4). */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AccessToken from "../domain/AccessToken.js"
import type * as Grant from "../domain/Grant.js"
import { InvalidTarget, InvalidToken, type TemporarilyUnavailable } from "../domain/OAuthError.js"
import type * as Resource from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"
import * as Time from "../domain/Time.js"
import { identifier } from "./Crypto.js"
import type { Access } from "./CurrentAccess.js"
import { GrantStore } from "./GrantStore.js"
import * as Seals from "./Seals.js"
import { ServerSettings } from "./ServerSettings.js"

/** An access token, and when it ends. */
export interface Issued {
  readonly token: Redacted.Redacted
  readonly expiresAt: DateTime.Utc
}

export class AccessTokens extends Context.Tag("latchkey/AccessTokens")<
  AccessTokens,
  {
    /**
     * A new token of a grant, for some of its resources and some of its scope. It ends with the grant at the latest.
     * Fails when the resources are so many that the token would be longer than what servers take in a header.
     */
    readonly issue: (
      terms: Grant.Terms,
      scope: Scope.Scope,
      audience: readonly [Resource.ResourceIndicator, ...Array<Resource.ResourceIndicator>]
    ) => Effect.Effect<Issued, InvalidTarget>
    /**
     * What a token gives at a resource, now. Its grant is looked up each time: a revoked grant's tokens are dead at once.
     * The token can only narrow what the grant's row allows.
     */
    readonly verify: (
      token: Redacted.Redacted,
      resource: Resource.ResourceIndicator
    ) => Effect.Effect<Access, InvalidToken | TemporarilyUnavailable>
  }
>() {}

const refuse = (reason: InvalidToken["reason"]) =>
  new InvalidToken({ reason, description: "the access token is not valid here, or not any more" })

const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const { lifetimes } = yield* ServerSettings
  const codec = Seals.codec(
    yield* Seals.Seals,
    { purpose: "access", prefix: AccessToken.prefix },
    AccessToken.AccessTokenClaims
  )

  return AccessTokens.of({
    issue: Effect.fn("AccessTokens.issue")(function* (terms, scope, audience) {
      const now = yield* DateTime.now
      const expiresAt = Time.endOf(now, lifetimes.accessToken, terms.expiresAt)
      const token = yield* codec.seal({
        grantId: terms.id,
        ...(Scope.equals(scope, terms.scope) ? {} : { scope }),
        audience,
        issuedAt: now,
        expiresAt,
        id: yield* identifier
      })
      if (token.length > AccessToken.maxLength) {
        return yield* new InvalidTarget({ reason: "TooManyResources", description: "ask for fewer resources at once" })
      }
      return { token: Redacted.make(token), expiresAt }
    }),

    verify: Effect.fn("AccessTokens.verify")(function* (token, resource) {
      const text = Redacted.value(token)
      if (text.length > AccessToken.maxLength) return yield* refuse("Malformed")
      const opened = yield* codec.open(text)
      if (Option.isNone(opened)) return yield* refuse("Unknown")
      const claims = opened.value
      const now = yield* DateTime.now
      if (!Time.isBefore(now, claims.expiresAt)) return yield* refuse("Expired")
      if (!claims.audience.includes(resource)) return yield* refuse("WrongAudience")
      const grant = yield* grants.findActive(claims.grantId, now)
      if (Option.isNone(grant)) return yield* refuse("Revoked")
      const { terms } = grant.value
      if (!terms.resources.includes(resource)) return yield* refuse("WrongAudience")
      return {
        principal: "User",
        subject: terms.subject,
        clientId: terms.clientId,
        grantId: terms.id,
        scope: claims.scope === undefined ? terms.scope : Scope.intersection(claims.scope, terms.scope),
        resource,
        expiresAt: claims.expiresAt
      }
    })
  })
})

export const layer = Layer.effect(AccessTokens, make)
