/** The user's consent to a request: whether the user must be asked, and what Allow and Deny do. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as Consent from "../../domain/Consent.js"
import type { Grant } from "../../domain/Grant.js"
import { AccessDenied, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { LoggedIn } from "../accounts/Sessions.js"
import { Events } from "../events/Events.js"
import * as PermittedScopes from "../PermittedScopes.js"
import { Resources } from "../resources/Resources.js"
import { ScopePolicy } from "../ScopePolicy.js"
import * as Spans from "../Spans.js"
import { ConsentStore } from "../stores/ConsentStore.js"
import { GrantStore } from "../stores/GrantStore.js"
import * as Denials from "./Denials.js"
import * as GrantApproval from "./GrantApproval.js"
import * as Offer from "./Offer.js"

/** The next step of a request, for one user. */
export type Consideration = Data.TaggedEnum<{
  /**
   * The user has allowed this client each of these scopes at the same resource before, or the operator approved the client for
   * the resource, and only the client can receive the code (RFC 6749 §10.2, RFC 8252 §8.6): the grant is made without a page.
   */
  Remembered: { readonly code: Redacted.Redacted }
  /** The user must be asked. */
  Ask: { readonly offer: Offer.Offer }
  /** The policy permits none of the requested scopes. */
  Refused: { readonly error: AccessDenied }
}>
export const Consideration = Data.taggedEnum<Consideration>()

/** The user's choice on a consent page. */
export type Choice = Data.TaggedEnum<{
  /** The ticked scopes at each resource; those that the page did not offer there are ignored. */
  Allow: { readonly ticked: ResourceScopes.ResourceScopes }
  Deny: {}
}>
export const Choice = Data.taggedEnum<Choice>()

/** A consent page, answered. */
export interface Decision {
  readonly request: AuthorizationRequest
  readonly who: LoggedIn
  readonly offer: Offer.OfferedGrant
  readonly choice: Choice
}

/** How a decision ends. */
export type Decided = Data.TaggedEnum<{
  /** The code for the client; the same one again when the same page is sent twice. */
  Allowed: { readonly code: Redacted.Redacted }
  /** This page was decided before, and its code was spent or revoked. */
  AlreadyDecided: {}
  /** No scope of the page was ticked. Nothing was decided: the same page can still be allowed or denied. */
  NothingTicked: {}
  /** The user denied, or the policy no longer permits any of the ticked scopes. */
  Denied: { readonly error: AccessDenied }
}>
export const Decided = Data.taggedEnum<Decided>()

export class Approvals extends Context.Tag("latchkey/Approvals")<
  Approvals,
  {
    /**
     * Returns what a request leads to now. `mayRemember` is false where nothing may be written: for HEAD and prefetches.
     * A request with `prompt=consent` is never answered from a remembered consent.
     */
    readonly consider: (
      request: AuthorizationRequest,
      who: LoggedIn,
      mayRemember: boolean
    ) => Effect.Effect<Consideration, TemporarilyUnavailable>
    /** Returns what to show on the consent page, whatever the user allowed before. */
    readonly offer: (
      request: AuthorizationRequest,
      who: LoggedIn
    ) => Effect.Effect<Offer.Offer, AccessDenied | TemporarilyUnavailable>
    /**
     * Carries out the user's decision. An Allow grants the ticked scopes at the resources that the page showed them for: a
     * scope that moved to another resource meanwhile is not granted there. A Deny revokes the grant of an earlier Allow of
     * the same page, and a later Allow makes none; a second Deny changes nothing and publishes no event.
     */
    readonly decide: (decision: Decision) => Effect.Effect<Decided, TemporarilyUnavailable>
  }
>() {}

/**
 * Whether the operator approved the client for all these resources, so that no page is needed. As for a remembered consent,
 * only the client may be able to receive the code.
 */
const isPreapproved = ({ client, prompt, redirectUri, resources }: AuthorizationRequest): boolean =>
  Option.exists(
    client.approval,
    (approval) => resources.length > 0 && resources.every(({ uri }) => approval.resources.has(uri))
  ) &&
  !prompt.has("consent") &&
  Client.canProveItself(client, redirectUri)

const nothingPermitted = new AccessDenied({
  reason: "NothingPermitted",
  description: "no requested scope is permitted"
})

const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const consents = yield* ConsentStore
  const events = yield* Events
  const resources = yield* Resources
  const policy = yield* ScopePolicy
  const denials = yield* Denials.make
  const approve = yield* GrantApproval.make

  /** The part of some scopes that this user may give this client at the resources now. */
  const permitted = (
    { client }: AuthorizationRequest,
    { account }: LoggedIn,
    scopes: ResourceScopes.ResourceScopes,
    resources: ReadonlyArray<Resource.Resource>
  ) =>
    PermittedScopes.ask(
      policy,
      { client, subject: Option.some(account.id), account: Option.some(account) },
      resources,
      scopes
    )

  /** The recorded consent, and the part of the candidate scopes that the policy permits. */
  const weigh = Effect.fnUntraced(function* (request: AuthorizationRequest, who: LoggedIn) {
    Spans.annotate({ subject: who.account.id, clientId: request.client.id })
    const consent = yield* consents.find(who.account.id, request.client.id)
    return { consent, permitted: yield* permitted(request, who, Offer.candidates(request, consent), request.resources) }
  })

  /** Records what the user grants the client. */
  const record = Effect.fnUntraced(function* (
    { client, redirectUri }: AuthorizationRequest,
    { account }: LoggedIn,
    granted: ResourceScopes.ResourceScopes
  ) {
    return yield* consents.record({
      subject: account.id,
      clientId: client.id,
      granted,
      redirectUris: new Set([RedirectUri.anyPort(redirectUri)]),
      updatedAt: yield* DateTime.now
    })
  })

  const allow = Effect.fnUntraced(function* ({ offer, request, who }: Decision, ticked: ResourceScopes.ResourceScopes) {
    if (yield* denials.has(offer.grantId)) return Decided.AlreadyDecided()
    const answerOf = (state: Grant["_tag"]) =>
      state === "Approved" ? Decided.Allowed({ code: offer.code }) : Decided.AlreadyDecided()
    const isBarePage = ResourceScopes.isWithoutScope(offer.offered)
    const chosen = ResourceScopes.intersection(offer.offered, ticked)
    if (ResourceScopes.isWithoutScope(chosen) && !isBarePage) return Decided.NothingTicked()
    const known = yield* resources.all
    // Without `resource` the request may be for other resources by now.
    const shown = [
      ...request.resources,
      ...known.filter(({ uri }) => !request.resources.some((one) => one.uri === uri))
    ]
    const allowed = yield* permitted(
      request,
      who,
      chosen,
      shown.filter(({ uri }) => chosen.has(uri))
    )
    if (ResourceScopes.isWithoutScope(allowed) && !isBarePage) {
      yield* denials.add(offer.grantId)
      return Decided.Denied({ error: nothingPermitted })
    }
    // A page that was decided before adds nothing to the recorded consent.
    const existing = yield* grants.find(offer.grantId)
    if (Option.isSome(existing)) return answerOf(existing.value._tag)
    // A resource with no ticked scope is not granted: an audience is access, too. Only a resource that had no scopes on
    // the page, and has none now, is granted without a scope.
    const isBare = (uri: Resource.ResourceIndicator) =>
      Scope.isEmpty(ResourceScopes.at(offer.offered, uri)) &&
      Scope.isEmpty(Resource.offered(known.filter((resource) => resource.uri === uri)))
    const granted = ResourceScopes.filter(allowed, (own, uri) => !Scope.isEmpty(own) || isBare(uri))
    // First the consent, then the grant: a grant without a recorded consent never exists.
    const consent = yield* record(request, who, granted)
    const state = yield* approve({ request, who, grant: offer, granted, consent, by: "Person" })
    if (yield* denials.has(offer.grantId)) {
      yield* grants.revoke(offer.grantId, "Denied", yield* DateTime.now)
      return Decided.AlreadyDecided()
    }
    return answerOf(state)
  })

  const deny = Effect.fnUntraced(function* ({ offer, request, who }: Decision) {
    if (yield* denials.add(offer.grantId)) {
      yield* events.publish({ _tag: "Denied", subject: who.account.id, clientId: request.client.id })
    }
    return Decided.Denied({ error: new AccessDenied({ reason: "Denied", description: "the user denied the request" }) })
  })

  return Approvals.of({
    consider: Spans.fn("Approvals.consider")(function* (request, who, mayRemember) {
      const { consent, permitted } = yield* weigh(request, who)
      const grant = yield* GrantApproval.draw
      if (mayRemember && isPreapproved(request) && ResourceScopes.isSubset(Offer.requested(request), permitted)) {
        const granted = Offer.requested(request)
        const recorded = yield* record(request, who, granted)
        yield* approve({ request, who, grant, granted, consent: recorded, by: "OperatorApproval" })
        return Consideration.Remembered({ code: grant.code })
      }
      const remembered = Option.filter(
        consent,
        (consent) =>
          mayRemember &&
          !request.prompt.has("consent") &&
          Client.canProveItself(request.client, request.redirectUri) &&
          Offer.isCovered(request, consent) &&
          Consent.includesTarget(request.redirectUri)(consent) &&
          // Where the policy permits only a part, the page shows the user which part.
          ResourceScopes.isSubset(Offer.requested(request), permitted)
      )
      if (Option.isSome(remembered)) {
        const granted = Offer.requested(request)
        // If the consent is withdrawn meanwhile, the grant carries an old epoch and cannot be redeemed.
        yield* approve({ request, who, grant, granted, consent: remembered.value, by: "RememberedConsent" })
        return Consideration.Remembered({ code: grant.code })
      }
      return Option.match(Offer.make(request, consent, permitted, grant), {
        onNone: () => Consideration.Refused({ error: nothingPermitted }),
        onSome: (offer) => Consideration.Ask({ offer })
      })
    }),

    offer: Spans.fn("Approvals.offer")(function* (request, who) {
      const { consent, permitted } = yield* weigh(request, who)
      const offer = Offer.make(request, consent, permitted, yield* GrantApproval.draw)
      return Option.isSome(offer) ? offer.value : yield* nothingPermitted
    }),

    decide: Spans.fn("Approvals.decide")(function* (decision) {
      const { choice, offer, request, who } = decision
      Spans.annotate({
        grantId: offer.grantId,
        subject: who.account.id,
        clientId: request.client.id
      })
      return yield* Choice.$match(choice, {
        Allow: ({ ticked }) => allow(decision, ticked),
        Deny: () => deny(decision)
      })
    })
  })
})

export const layer = Layer.effect(Approvals, make)
