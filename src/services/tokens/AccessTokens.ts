/** Issues access tokens as sealed texts, and verifies them with the row of their grant or client (ADR 4). */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AccessToken from "../../domain/AccessToken.js"
import { Subject } from "../../domain/Account.js"
import { allowedScope, type Client } from "../../domain/Client.js"
import * as Grant from "../../domain/Grant.js"
import { type InvalidTarget, InvalidToken, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as Time from "../../domain/Time.js"
import { Events } from "../events/Events.js"
import { identifier } from "../keys/Crypto.js"
import * as Seals from "../keys/Seals.js"
import * as RequestedResources from "../resources/RequestedResources.js"
import { Resources } from "../resources/Resources.js"
import { ServerSettings } from "../ServerSettings.js"
import { ClientStore } from "../stores/ClientStore.js"
import { GrantStore } from "../stores/GrantStore.js"
import { RevokedTokenStore } from "../stores/RevokedTokenStore.js"
import type { Access } from "./CurrentAccess.js"

/** The resources of a token. The list is never empty. */
export type Audience = readonly [Resource.ResourceIndicator, ...Array<Resource.ResourceIndicator>]

/** An issued access token, and its lifetime in whole seconds (RFC 6749 §5.1). */
export interface Issued {
  readonly token: Redacted.Redacted
  readonly expiresIn: number
}

export class AccessTokens extends Context.Tag("latchkey/AccessTokens")<
  AccessTokens,
  {
    /**
     * Issues a token of a grant, for some of its resources and some of its scope. It expires with the grant at the latest.
     * Fails when the token would be too long for a header, because it has too many resources.
     */
    readonly issue: (
      terms: Grant.Terms,
      scope: Scope.Scope,
      audience: Audience
    ) => Effect.Effect<Issued, InvalidTarget | TemporarilyUnavailable>
    /** Issues a token to a client for itself (RFC 6749 §4.4). */
    readonly issueToClient: (
      client: Client,
      scope: Scope.Scope,
      audience: Audience
    ) => Effect.Effect<Issued, InvalidTarget | TemporarilyUnavailable>
    /**
     * Returns the access that a token gives at a resource now. The row of the grant is read each time, so a revocation takes
     * effect at once. The scope is the part of the token's scope that was granted at this resource and that it offers now.
     */
    readonly verify: (
      token: Redacted.Redacted,
      resource: Resource.ResourceIndicator
    ) => Effect.Effect<Access, InvalidToken | TemporarilyUnavailable>
    /** Returns the access that a token gives at all its resources together now; `resource` is the first of them. */
    readonly verifyAll: (
      token: Redacted.Redacted
    ) => Effect.Effect<{ readonly access: Access; readonly audience: Audience }, InvalidToken | TemporarilyUnavailable>
    /** Returns the claims of an authentic token, whether or not it is still valid; `None` for any other text. */
    readonly read: (
      token: Redacted.Redacted
    ) => Effect.Effect<Option.Option<AccessToken.AccessTokenClaims>, TemporarilyUnavailable>
  }
>() {}

const refuse = (reason: InvalidToken["reason"]) =>
  new InvalidToken({ reason, description: "the access token is not valid here, or not any more" })

/** Minimum interval between two alarms about missing grants, in milliseconds. */
const alarmInterval = 60_000

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const events = yield* Events
  const grants = yield* GrantStore
  const resources = yield* Resources
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
      : yield* RequestedResources.tooMany
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

  let alarmedAt = Number.NEGATIVE_INFINITY
  /**
   * Publishes an alarm, at most once a minute for all grants together: a client sends such a token again and again. An
   * `Effect.cachedWithTTL` cannot do it, because the event names the grant.
   */
  const alarmMissing = (grantId: Grant.GrantId, now: DateTime.Utc) =>
    Effect.suspend(() => {
      if (Math.abs(now.epochMillis - alarmedAt) < alarmInterval) return Effect.void
      alarmedAt = now.epochMillis
      return events.publish({ _tag: "GrantMissing", grantId })
    })

  /**
   * Refuses an authentic, unexpired token whose grant is not active. If the row of a young grant is missing, the database lost
   * it: maintenance does not delete rows so early (design §3, Restore).
   */
  const whyNotActive = Effect.fnUntraced(function* ({ grantId, issuedAt }: AccessToken.GrantClaims, now: DateTime.Utc) {
    const isYoung = Time.isWithin(now, issuedAt, Grant.keptAfterEnd)
    if (!isYoung || Option.isSome(yield* grants.find(grantId))) return yield* refuse("Revoked")
    yield* alarmMissing(grantId, now)
    return yield* refuse("GrantMissing")
  })

  /** Returns the access of a grant's token. One query reads the grant and a revocation of this token. */
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
      granted: claims.scope === undefined ? terms.granted : ResourceScopes.within(terms.granted, claims.scope)
    }
  })

  const ofClient = Effect.fnUntraced(function* (claims: AccessToken.ClientClaims) {
    yield* Effect.annotateCurrentSpan({ clientId: claims.clientId })
    const client = yield* clients.find(claims.clientId)
    if (Option.isNone(client) || client.value.epoch !== claims.epoch || client.value.state === "Disabled")
      return yield* refuse("Revoked")
    if (yield* revokedTokens.has(claims.id)) return yield* refuse("Revoked")
    const { audience, clientId } = claims
    // A scope that the operator removed from the client is not in its tokens either.
    const scope = allowedScope(client.value, claims.scope)
    return {
      principal: "Client" as const,
      subject: Subject.make(clientId),
      clientId,
      // The operator registered the scope by its name, so the client has it at each resource that offers it (ADR 28).
      granted: ResourceScopes.make(...audience.map((uri) => [uri, scope] as const))
    }
  })

  /** Returns the access of a token at all resources where it was granted; fails when the token is not valid. */
  const open = Effect.fnUntraced(function* (token: Redacted.Redacted, at?: Resource.ResourceIndicator) {
    const opened = yield* read(token)
    if (Option.isNone(opened)) return yield* refuse("Unknown")
    const claims = opened.value
    const now = yield* DateTime.now
    if (!Time.isBefore(now, claims.expiresAt)) return yield* refuse("Expired")
    if (at !== undefined && !claims.audience.includes(at)) return yield* refuse("WrongAudience")
    const { granted, ...access } = AccessToken.isOfGrant(claims) ? yield* ofGrant(claims, now) : yield* ofClient(claims)
    const { audience, expiresAt, id: tokenId, issuedAt } = claims
    return { access: { ...access, tokenId, issuedAt, expiresAt }, audience, granted }
  })

  return AccessTokens.of({
    issue: Effect.fn("AccessTokens.issue")(function* (terms, scope, audience) {
      yield* Effect.annotateCurrentSpan({ grantId: terms.id, subject: terms.subject, clientId: terms.clientId })
      return yield* seal({
        ...(yield* common(audience, terms.expiresAt)),
        grantId: terms.id,
        ...(Scope.equals(scope, ResourceScopes.scope(terms.granted)) ? {} : { scope })
      })
    }),
    issueToClient: Effect.fn("AccessTokens.issueToClient")(function* (client, scope, audience) {
      yield* Effect.annotateCurrentSpan({ clientId: client.id })
      const claims = yield* common(audience)
      return yield* seal({ ...claims, clientId: client.id, epoch: client.epoch, scope })
    }),
    verify: Effect.fn("AccessTokens.verify")(function* (token, resource) {
      const { access, granted } = yield* open(token, resource)
      const own = granted.get(resource)
      if (own === undefined) return yield* refuse("WrongAudience")
      return { ...access, resource, scope: Scope.intersection(own, yield* resources.offered(resource)) }
    }),
    verifyAll: Effect.fn("AccessTokens.verifyAll")(function* (token) {
      const { access, audience, granted } = yield* open(token)
      const known = (yield* resources.all).filter(({ uri }) => audience.includes(uri))
      const offered = ResourceScopes.offeredBy(known, ResourceScopes.scope(granted))
      const scope = ResourceScopes.scope(ResourceScopes.intersection(offered, granted))
      return { access: { ...access, resource: audience[0], scope }, audience }
    }),
    read
  })
})

export const layer = Layer.effect(AccessTokens, make)
