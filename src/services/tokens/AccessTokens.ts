/** Issues access tokens as sealed texts, and verifies them with the row of their grant or client (ADR 4). */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AccessToken from "../../domain/AccessToken.js"
import { Subject } from "../../domain/Account.js"
import type { Client } from "../../domain/Client.js"
import * as Grant from "../../domain/Grant.js"
import * as Identifier from "../../domain/Identifier.js"
import { type InvalidTarget, InvalidToken, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as ScopeHierarchy from "../../domain/ScopeHierarchy.js"
import * as Time from "../../domain/Time.js"
import { Events } from "../events/Events.js"
import { digest, digestOf, SecureRandom } from "../keys/Crypto.js"
import * as Seals from "../keys/Seals.js"
import * as RequestedResources from "../resources/RequestedResources.js"
import { Resources } from "../resources/Resources.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Spans from "../Spans.js"
import { ClientStore } from "../stores/ClientStore.js"
import { GrantStore } from "../stores/GrantStore.js"
import { RevokedTokenStore } from "../stores/RevokedTokenStore.js"
import { Storage } from "../stores/Storage.js"
import type { Access, ClientAccess, UserAccess } from "./CurrentAccess.js"
import * as VerifiedTokens from "./VerifiedTokens.js"

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
     * Issues a token of a grant, for some of its resources, with a part of the scope at each of them. It expires with the grant
     * at the latest. Fails when there is no resource, and when the token would be too long for a header.
     */
    readonly issue: (
      terms: Grant.Terms,
      scope: ResourceScopes.ResourceScopes
    ) => Effect.Effect<Issued, InvalidTarget | TemporarilyUnavailable>
    /** Issues a token to a client for itself (RFC 6749 §4.4), with the scope at each of its resources. */
    readonly issueToClient: (
      client: Client,
      scope: ResourceScopes.ResourceScopes
    ) => Effect.Effect<Issued, InvalidTarget | TemporarilyUnavailable>
    /**
     * Returns the access that a token gives at a resource now. The row of the grant is read each time, so a revocation takes
     * effect at once. The scope is the part of the token's scope that was granted at this resource and that it offers now, with
     * everything that this implies.
     */
    readonly verify: (
      token: Redacted.Redacted,
      resource: Resource.ResourceIndicator
    ) => Effect.Effect<Access, InvalidToken | TemporarilyUnavailable>
    /**
     * As `verify`, without an effect, for a token that was verified before, if the storage knows that nothing has taken access
     * away since; `undefined` if only `verify` can tell. `now` is the time in milliseconds.
     */
    readonly peek: (token: Redacted.Redacted, resource: Resource.ResourceIndicator, now: number) => Access | undefined
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

/** The claims that `issueNow` adds. */
type CommonClaims = Pick<AccessToken.GrantClaims, "audience" | "issuedAt" | "expiresAt" | "id">

/** A token that is valid now. */
interface Opened {
  readonly claims: AccessToken.AccessTokenClaims
  /** The scopes that bound the access at each resource: what was granted, and the scope of the token. */
  readonly bounds: readonly [ResourceScopes.ResourceScopes, ...Array<ResourceScopes.ResourceScopes>]
  /** Who has the access. */
  readonly owner:
    | Pick<UserAccess, "principal" | "subject" | "clientId" | "grantId">
    | Pick<ClientAccess, "principal" | "subject" | "clientId">
}

/** Returns what a token gives at a resource: a scope in all of its bounds, or implied by one in each of them. */
const scopeAt = (
  { bounds: [first, ...others] }: Opened,
  resource: Resource.ResourceIndicator,
  hierarchy: ScopeHierarchy.ScopeHierarchy
): Scope.Scope => {
  const within = (bound: ResourceScopes.ResourceScopes) =>
    ScopeHierarchy.expand(hierarchy, ResourceScopes.at(bound, resource))
  return others.reduce((scope, bound) => Scope.intersection(scope, within(bound)), within(first))
}

/** Number of tokens whose claims, and whose verification, are remembered, about 8 MB. */
const remembered = 4096

/** Minimum interval between two alarms about missing grants, in milliseconds. */
const alarmInterval = 60_000

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const events = yield* Events
  const grants = yield* GrantStore
  const resources = yield* Resources
  const revokedTokens = yield* RevokedTokenStore
  const { lifetimes } = yield* ServerSettings
  const { revision } = yield* Storage
  const verified = VerifiedTokens.make<Opened>(remembered)
  const random = yield* SecureRandom
  const codec = Seals.codec(
    yield* Seals.Seals,
    { purpose: "access", prefix: AccessToken.prefix },
    { encode: AccessToken.toJson, decode: AccessToken.fromJson },
    { remembered }
  )

  /** Issues a token now, with the claims that its owner has. It expires with the owner at the latest. */
  const issueNow = (
    resources: ReadonlyArray<Resource.ResourceIndicator>,
    atMost: DateTime.Utc | undefined,
    owner: Omit<AccessToken.GrantClaims, keyof CommonClaims> | Omit<AccessToken.ClientClaims, keyof CommonClaims>
  ): Effect.Effect<Issued, InvalidTarget | TemporarilyUnavailable> =>
    Effect.clockWith((clock) => {
      const [first, ...others] = resources
      if (first === undefined) return RequestedResources.none
      const audience: Audience = [first, ...others]
      const millis = clock.unsafeCurrentTimeMillis()
      const issuedAt = DateTime.unsafeMake(millis)
      const end = DateTime.addDuration(issuedAt, lifetimes.accessToken)
      const expiresAt = atMost === undefined ? end : DateTime.min(end, atMost)
      const id = AccessToken.TokenId.make(Identifier.format(millis, random.bytes(10)), true)
      const claims = { audience, issuedAt, expiresAt, id, ...owner } as AccessToken.AccessTokenClaims
      return Effect.flatMap(codec.seal(claims), (token) =>
        token.length > AccessToken.maxLength
          ? RequestedResources.tooMany
          : Effect.succeed({ token: Redacted.make(token), expiresIn: Time.secondsUntil(issuedAt, expiresAt) })
      )
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
  const ofGrant = (
    claims: AccessToken.GrantClaims,
    now: DateTime.Utc
  ): Effect.Effect<Opened, InvalidToken | TemporarilyUnavailable> =>
    Effect.flatMap(grants.findActive(claims.grantId, now, Option.some(claims.id)), (grant) => {
      if (Option.isNone(grant)) return whyNotActive(claims, now)
      const { terms } = grant.value
      Spans.annotate({ grantId: terms.id, subject: terms.subject, clientId: terms.clientId })
      const { clientId, id: grantId, subject } = terms
      const bounds: Opened["bounds"] = claims.scope === undefined ? [terms.granted] : [terms.granted, claims.scope]
      return Effect.succeed({ claims, bounds, owner: { principal: "User" as const, subject, clientId, grantId } })
    })

  const ofClient = (claims: AccessToken.ClientClaims): Effect.Effect<Opened, InvalidToken | TemporarilyUnavailable> => {
    const { audience, clientId } = claims
    Spans.annotate({ clientId })
    return Effect.flatMap(clients.find(clientId), (client) => {
      if (Option.isNone(client) || client.value.epoch !== claims.epoch || client.value.state === "Disabled") {
        return refuse("Revoked")
      }
      // A scope that the operator removed from the client is not in its tokens either. The operator registered it by its
      // name, so the client has it at each resource that offers it (ADR 28).
      const registered = client.value.metadata.scope ?? Scope.empty
      const atEach = ResourceScopes.make(...audience.map((uri) => [uri, registered] as const))
      const bounds: Opened["bounds"] = client.value.origin === "Dynamic" ? [claims.scope] : [claims.scope, atEach]
      const owner = { principal: "Client" as const, subject: Subject.make(clientId, true), clientId }
      return Effect.flatMap(
        revokedTokens.has(claims.id),
        (isRevoked): Effect.Effect<Opened, InvalidToken> =>
          isRevoked ? refuse("Revoked") : Effect.succeed({ claims, bounds, owner })
      )
    })
  }

  /** Returns a token that was verified at a revision, if it is valid now; `undefined` if only the rows can tell. */
  const verifiedAt = (read: number | undefined, token: Redacted.Redacted, now: number) => {
    if (read === undefined) return undefined
    const text = Redacted.value(token)
    const known = verified.at(digestOf(text), read)
    return known !== undefined && codec.mayOpen(text, now) && now < known.opened.claims.expiresAt.epochMillis
      ? known
      : undefined
  }

  /** Returns the access of a token at all resources where it was granted; fails when the token is not valid. */
  const open = (
    token: Redacted.Redacted,
    at?: Resource.ResourceIndicator
  ): Effect.Effect<Opened, InvalidToken | TemporarilyUnavailable> =>
    Effect.clockWith((clock) => {
      const now = DateTime.unsafeMake(clock.unsafeCurrentTimeMillis())
      const isFor = ({ audience }: AccessToken.AccessTokenClaims) => at === undefined || audience.includes(at)
      // Before the rows are read.
      const read = revision()
      const known = verifiedAt(read, token, now.epochMillis)
      if (known !== undefined) {
        if (!isFor(known.opened.claims)) return refuse("WrongAudience")
        const { principal, ...ids } = known.opened.owner
        Spans.annotate(principal === "User" ? ids : { clientId: ids.clientId })
        return Effect.succeed(known.opened)
      }
      const check = (
        opened: Option.Option<AccessToken.AccessTokenClaims>
      ): Effect.Effect<Opened, InvalidToken | TemporarilyUnavailable> => {
        if (Option.isNone(opened)) return refuse("Unknown")
        const claims = opened.value
        if (!Time.isBefore(now, claims.expiresAt)) return refuse("Expired")
        if (!isFor(claims)) return refuse("WrongAudience")
        return Effect.map(AccessToken.isOfGrant(claims) ? ofGrant(claims, now) : ofClient(claims), (opened) => {
          verified.remember(digest(token), read, opened)
          return opened
        })
      }
      const text = Redacted.value(token)
      const claims = text.length > AccessToken.maxLength ? Option.none() : codec.peek(text, now.epochMillis)
      return claims === undefined ? Effect.flatMap(codec.open(text), check) : check(claims)
    })

  const accessOf = ({ claims, owner }: Opened) => ({
    ...owner,
    tokenId: claims.id,
    issuedAt: claims.issuedAt,
    expiresAt: claims.expiresAt
  })

  const accessAt = (
    opened: Opened,
    resource: Resource.ResourceIndicator,
    hierarchy: ScopeHierarchy.ScopeHierarchy
  ): Access => ({ ...accessOf(opened), resource, scope: scopeAt(opened, resource, hierarchy) })

  return AccessTokens.of({
    issue: Spans.fn("AccessTokens.issue")(function* (terms, scope) {
      Spans.annotate({ grantId: terms.id, subject: terms.subject, clientId: terms.clientId })
      const isWhole = ResourceScopes.isSubset(
        ResourceScopes.filter(terms.granted, (_, uri) => scope.has(uri)),
        scope
      )
      const audience = ResourceScopes.resources(scope)
      return yield* issueNow(audience, terms.expiresAt, { grantId: terms.id, ...(isWhole ? {} : { scope }) })
    }),
    issueToClient: Spans.fn("AccessTokens.issueToClient")(function* (client, scope) {
      Spans.annotate({ clientId: client.id })
      const audience = ResourceScopes.resources(scope)
      return yield* issueNow(audience, undefined, { clientId: client.id, epoch: client.epoch, scope })
    }),
    verify: (token, resource) =>
      Spans.traced("AccessTokens.verify", () =>
        Effect.flatMap(
          open(token, resource),
          (opened): Effect.Effect<Access, InvalidToken | TemporarilyUnavailable> => {
            if (!opened.bounds[0].has(resource)) return refuse("WrongAudience")
            const at = (hierarchy: ScopeHierarchy.ScopeHierarchy): Access => accessAt(opened, resource, hierarchy)
            const here = resources.offeredHere(resource)
            return here === undefined ? Effect.map(resources.offered(resource), at) : Effect.succeed(at(here))
          }
        )
      ),
    peek: (token, resource, now) => {
      const known = verifiedAt(revision(), token, now)
      if (known === undefined || !known.opened.claims.audience.includes(resource)) return undefined
      const hierarchy = resources.peekOffered(resource, now)
      return !known.opened.bounds[0].has(resource) || hierarchy === undefined
        ? undefined
        : VerifiedTokens.accessAt(known, resource, hierarchy, (opened) => accessAt(opened, resource, hierarchy))
    },
    verifyAll: Spans.fn("AccessTokens.verifyAll")(function* (token) {
      const opened = yield* open(token)
      const { audience } = opened.claims
      const known = (yield* resources.all).filter(({ uri }) => audience.includes(uri))
      const scope = Scope.fromIterable(
        known.flatMap((resource) => Array.from(scopeAt(opened, resource.uri, Resource.hierarchy(resource))))
      )
      return { access: { ...accessOf(opened), resource: audience[0], scope }, audience }
    }),
    read
  })
})

export const layer = Layer.effect(AccessTokens, make)
