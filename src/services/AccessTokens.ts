/** Access tokens: issued sealed, and checked against the row that stands behind them (ADR 4). */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AccessToken from "../domain/AccessToken.js"
import { Subject } from "../domain/Account.js"
import type { Client } from "../domain/Client.js"
import * as Grant from "../domain/Grant.js"
import { InvalidTarget, InvalidToken, type TemporarilyUnavailable } from "../domain/OAuthError.js"
import type * as Resource from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"
import * as Time from "../domain/Time.js"
import { ClientStore } from "./ClientStore.js"
import { identifier } from "./Crypto.js"
import type { Access } from "./CurrentAccess.js"
import { Events } from "./Events.js"
import { GrantStore } from "./GrantStore.js"
import { RevokedTokenStore } from "./RevokedTokenStore.js"
import * as Seals from "./Seals.js"
import { ServerSettings } from "./ServerSettings.js"

/** The resources of a token: a list that is never empty. */
export type Audience = readonly [Resource.ResourceIndicator, ...Array<Resource.ResourceIndicator>]

/** An access token, and its life in whole seconds from its issue (RFC 6749 §5.1). */
export interface Issued {
  readonly token: Redacted.Redacted
  readonly expiresIn: number
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
      audience: Audience
    ) => Effect.Effect<Issued, InvalidTarget | TemporarilyUnavailable>
    /** A new token of a client's own (RFC 6749 §4.4). */
    readonly issueToClient: (
      client: Client,
      scope: Scope.Scope,
      audience: Audience
    ) => Effect.Effect<Issued, InvalidTarget | TemporarilyUnavailable>
    /**
     * What a token gives at a resource, now. The row behind it is looked up each time: what was revoked is dead at once.
     * The token can only narrow what that row allows.
     */
    readonly verify: (
      token: Redacted.Redacted,
      resource: Resource.ResourceIndicator
    ) => Effect.Effect<Access, InvalidToken | TemporarilyUnavailable>
    /** What an authentic token says, whether or not it is good any more. */
    readonly read: (
      token: Redacted.Redacted
    ) => Effect.Effect<Option.Option<AccessToken.AccessTokenClaims>, TemporarilyUnavailable>
  }
>() {}

const refuse = (reason: InvalidToken["reason"]) =>
  new InvalidToken({ reason, description: "the access token is not valid here, or not any more" })

/** From one alarm of a grant that is missing to the next, in milliseconds. */
const betweenAlarms = 60_000

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const events = yield* Events
  const grants = yield* GrantStore
  const revokedTokens = yield* RevokedTokenStore
  const { lifetimes } = yield* ServerSettings
  const codec = Seals.codec(
    yield* Seals.Seals,
    { purpose: "access", prefix: AccessToken.prefix },
    AccessToken.AccessTokenClaims
  )

  const seal = Effect.fnUntraced(function* (claims: AccessToken.AccessTokenClaims) {
    const token = yield* codec.seal(claims)
    return token.length <= AccessToken.maxLength
      ? { token: Redacted.make(token), expiresIn: Time.secondsUntil(claims.issuedAt, claims.expiresAt) }
      : yield* new InvalidTarget({ reason: "TooManyResources", description: "ask for fewer resources at once" })
  })

  const common = Effect.fnUntraced(function* (audience: Audience, atMost?: DateTime.Utc) {
    const issuedAt = yield* DateTime.now
    const end = DateTime.addDuration(issuedAt, lifetimes.accessToken)
    return {
      audience,
      issuedAt,
      expiresAt: atMost === undefined ? end : DateTime.min(end, atMost),
      id: AccessToken.TokenId.make(yield* identifier)
    }
  })

  const read = (token: Redacted.Redacted) => {
    const text = Redacted.value(token)
    return text.length > AccessToken.maxLength ? Effect.succeedNone : codec.open(text)
  }

  let toldAt = Number.NEGATIVE_INFINITY
  /** An alarm, once in a while: whoever has such a token sends it again and again. */
  const tellMissing = (grantId: Grant.GrantId, now: DateTime.Utc) =>
    Effect.suspend(() => {
      if (Math.abs(now.epochMillis - toldAt) < betweenAlarms) return Effect.void
      toldAt = now.epochMillis
      return events.publish({ _tag: "GrantMissing", grantId })
    })

  /** Why an authentic token that has not expired is not good: no row is deleted as early as that (design §3, Restore). */
  const whyNotActive = Effect.fnUntraced(function* ({ grantId, issuedAt }: AccessToken.GrantClaims, now: DateTime.Utc) {
    const isYoung = Time.isWithin(now, issuedAt, Grant.keptAfterEnd)
    if (!isYoung || Option.isSome(yield* grants.find(grantId))) return yield* refuse("Revoked")
    yield* tellMissing(grantId, now)
    return yield* refuse("GrantMissing")
  })

  /** A grant's token: one query, for the grant and for a revocation of the token alone. */
  const ofGrant = Effect.fnUntraced(function* (claims: AccessToken.GrantClaims, now: DateTime.Utc) {
    const grant = yield* grants.findActive(claims.grantId, now, Option.some(claims.id))
    if (Option.isNone(grant)) return yield* whyNotActive(claims, now)
    const { terms } = grant.value
    yield* Effect.annotateCurrentSpan({ grantId: terms.id, subject: terms.subject, clientId: terms.clientId })
    return {
      principal: "User" as const,
      subject: terms.subject,
      clientId: terms.clientId,
      grantId: terms.id,
      scope: claims.scope === undefined ? terms.scope : Scope.intersection(claims.scope, terms.scope),
      resources: terms.resources
    }
  })

  const ofClient = Effect.fnUntraced(function* (claims: AccessToken.ClientClaims) {
    yield* Effect.annotateCurrentSpan({ clientId: claims.clientId })
    const client = yield* clients.find(claims.clientId)
    if (Option.isNone(client) || client.value.epoch !== claims.epoch || client.value.state === "Disabled")
      return yield* refuse("Revoked")
    if (yield* revokedTokens.has(claims.id)) return yield* refuse("Revoked")
    const { clientId, scope } = claims
    return {
      principal: "Client" as const,
      subject: Subject.make(clientId),
      clientId,
      scope,
      resources: claims.audience
    }
  })

  return AccessTokens.of({
    issue: Effect.fn("AccessTokens.issue")(function* (terms, scope, audience) {
      yield* Effect.annotateCurrentSpan({ grantId: terms.id, subject: terms.subject, clientId: terms.clientId })
      return yield* seal({
        ...(yield* common(audience, terms.expiresAt)),
        grantId: terms.id,
        ...(Scope.equals(scope, terms.scope) ? {} : { scope })
      })
    }),
    issueToClient: Effect.fn("AccessTokens.issueToClient")(function* (client, scope, audience) {
      yield* Effect.annotateCurrentSpan({ clientId: client.id })
      const claims = yield* common(audience)
      return yield* seal({ ...claims, clientId: client.id, epoch: client.epoch, scope })
    }),
    verify: Effect.fn("AccessTokens.verify")(function* (token, resource) {
      const opened = yield* read(token)
      if (Option.isNone(opened)) return yield* refuse("Unknown")
      const claims = opened.value
      const now = yield* DateTime.now
      if (!Time.isBefore(now, claims.expiresAt)) return yield* refuse("Expired")
      if (!claims.audience.includes(resource)) return yield* refuse("WrongAudience")
      const { resources, ...access } = AccessToken.isOfGrant(claims)
        ? yield* ofGrant(claims, now)
        : yield* ofClient(claims)
      if (!resources.includes(resource)) return yield* refuse("WrongAudience")
      return { ...access, resource, tokenId: claims.id, issuedAt: claims.issuedAt, expiresAt: claims.expiresAt }
    }),
    read
  })
})

export const layer = Layer.effect(AccessTokens, make)
