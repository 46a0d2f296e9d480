/** The person's decision: what the consent page offers, and what Allow and Deny do. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { TokenId } from "../../domain/AccessToken.js"
import * as AuthorizationCode from "../../domain/AuthorizationCode.js"
import type { AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import type { Consent } from "../../domain/Consent.js"
import type { AllowedBy } from "../../domain/Event.js"
import * as Grant from "../../domain/Grant.js"
import { AccessDenied, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { LoggedIn } from "../accounts/Sessions.js"
import { Events } from "../events/Events.js"
import { digest, identifier, randomBytes } from "../keys/Crypto.js"
import { Resources } from "../resources/Resources.js"
import { ScopePolicy } from "../ScopePolicy.js"
import { ServerSettings } from "../ServerSettings.js"
import { ClientStore } from "../stores/ClientStore.js"
import { ConsentStore } from "../stores/ConsentStore.js"
import { GrantStore } from "../stores/GrantStore.js"
import { RevokedTokenStore } from "../stores/RevokedTokenStore.js"
import type { ConsentForm } from "./SealedForms.js"

/** What a consent page shows, and the form that answers it. */
export interface Offer {
  readonly form: Omit<ConsentForm, "query">
  /** Ticked when the page opens: the scopes that the request asks for, and those that may be carried over. */
  readonly ticked: ResourceScopes.ResourceScopes
  /** The scopes that this person has not allowed this client at the same resource before. */
  readonly fresh: ResourceScopes.ResourceScopes
}

/** How an Allow ends. */
export type Allowed =
  /** The code for the client; the same one again when the same page is sent twice. */
  | { readonly _tag: "Allowed"; readonly code: Redacted.Redacted }
  /** This page was decided before, and its code has been spent or taken back. */
  | { readonly _tag: "AlreadyDecided" }
  /** No scope of the page was ticked. Nothing was decided: the same form can still be allowed or denied. */
  | { readonly _tag: "NothingTicked" }

export class Approvals extends Context.Tag("latchkey/Approvals")<
  Approvals,
  {
    /**
     * What to ask the person. The grant's id and code are drawn here and travel in the form, so that however often it
     * is sent there is one grant. Fails when the policy leaves nothing to ask.
     */
    readonly offer: (
      request: AuthorizationRequest,
      who: LoggedIn
    ) => Effect.Effect<Offer, AccessDenied | TemporarilyUnavailable>
    /**
     * A code without a page: the person has allowed this client each of these scopes at the same resource before, and
     * only the client can get the code (RFC 6749 §10.2, RFC 8252 §8.6). `None` when the person must be asked.
     */
    readonly remembered: (
      request: AuthorizationRequest,
      who: LoggedIn
    ) => Effect.Effect<Option.Option<Redacted.Redacted>, TemporarilyUnavailable>
    /**
     * The person allowed what is ticked, at the resources that the page showed it for: a scope that moved to another
     * resource meanwhile is not granted there. Fails when nothing of it may be given any more.
     */
    readonly allow: (
      request: AuthorizationRequest,
      who: LoggedIn,
      form: ConsentForm,
      ticked: Scope.Scope
    ) => Effect.Effect<Allowed, AccessDenied | TemporarilyUnavailable>
    /**
     * The person refused: a grant that an earlier Allow of the same page made is revoked, and a later Allow of it makes
     * none. A page that is denied again changes nothing, and is no event.
     */
    readonly deny: (
      request: AuthorizationRequest,
      form: ConsentForm
    ) => Effect.Effect<AccessDenied, TemporarilyUnavailable>
    /** Whether this person ever allowed this client with this redirect URI. */
    readonly knowsTarget: (
      who: LoggedIn,
      replyTo: Pick<AuthorizationRequest, "client" | "redirectUri">
    ) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}

const nothingPermitted = new AccessDenied({
  reason: "NothingPermitted",
  description: "nothing that was asked may be given"
})

const alreadyDecided: Allowed = { _tag: "AlreadyDecided" }
const nothingTicked: Allowed = { _tag: "NothingTicked" }

/** What an Allow is answered with, by the state of its grant. */
const allowed = (state: Grant.Grant["_tag"], { code }: ConsentForm): Allowed =>
  state === "Approved" ? { _tag: "Allowed", code } : alreadyDecided

/** Under which a consent form that was denied is stored, in its grant's place. */
const deniedForm = ({ grantId }: ConsentForm) => TokenId.make(`denied:${grantId}`)

const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const consents = yield* ConsentStore
  const clients = yield* ClientStore
  const events = yield* Events
  const resources = yield* Resources
  const policy = yield* ScopePolicy
  const revokedTokens = yield* RevokedTokenStore
  const { lifetimes } = yield* ServerSettings

  /** What of a scope this person may give this client now. */
  const permitted = ({ client, resources }: AuthorizationRequest, { account }: LoggedIn, scope: Scope.Scope) =>
    policy.permit({ client, subject: Option.some(account.id), account: Option.some(account), scope, resources })

  const earlierScopes = (consent: Option.Option<Consent>) =>
    Option.match(consent, { onNone: () => ResourceScopes.empty, onSome: ({ granted }) => granted })

  /** A new grant's id, and its code. */
  const draw = Effect.gen(function* () {
    const grantId = Grant.GrantId.make(yield* identifier)
    return { grantId, code: AuthorizationCode.make(grantId, yield* randomBytes(32)).text }
  })

  const isDenied = (form: ConsentForm) => revokedTokens.has(deniedForm(form))

  /**
   * Denies a form for as long as it lives; `true` where this changes something. The form is stored as denied before its
   * grant is revoked, and an Allow looks for that after it has made the grant: whichever is faster, none is left alive.
   */
  const refuse = Effect.fnUntraced(function* (form: ConsentForm) {
    const now = yield* DateTime.now
    const isNew = yield* revokedTokens.insert(deniedForm(form), DateTime.addDuration(now, lifetimes.form))
    const isRevoked = yield* grants.revoke(form.grantId, "Denied", now)
    return isNew || isRevoked
  })

  /** Makes the grant that a consent covers, unless it was decided before, and says by whom it was. */
  const approve = Effect.fnUntraced(function* (
    request: AuthorizationRequest,
    { account, session }: LoggedIn,
    drawn: { readonly grantId: Grant.GrantId; readonly code: Redacted.Redacted },
    granted: ResourceScopes.ResourceScopes,
    consent: Consent,
    by: AllowedBy
  ) {
    const now = yield* DateTime.now
    // Before the grant, so that the client is not deleted for disuse meanwhile.
    if (Client.isUseNew(request.client, now)) yield* clients.markUsed(request.client.id, now)
    const answer = yield* grants.approve(
      Grant.Grant.Approved({
        terms: {
          id: drawn.grantId,
          subject: account.id,
          clientId: request.client.id,
          redirectUri: request.redirectUri,
          granted,
          sessionId: session.id,
          authenticatedAt: session.authenticatedAt,
          approvedAt: now,
          expiresAt: DateTime.addDuration(now, lifetimes.grant),
          epochs: { subject: session.subjectEpoch, client: request.client.epoch, consent: consent.epoch }
        },
        code: {
          digest: digest(drawn.code),
          challenge: request.codeChallenge,
          expiresAt: DateTime.addDuration(now, lifetimes.authorizationCode)
        }
      })
    )
    if (answer === "Approved") {
      yield* events.publish({
        _tag: "Allowed",
        grantId: drawn.grantId,
        subject: account.id,
        clientId: request.client.id,
        scope: Scope.format(ResourceScopes.scope(granted)),
        by
      })
    }
    return answer
  })

  return Approvals.of({
    offer: Effect.fn("Approvals.offer")(function* (request, who) {
      const { account, session } = who
      yield* Effect.annotateCurrentSpan({ subject: account.id, clientId: request.client.id })
      const consent = yield* consents.find(account.id, request.client.id)
      // Step-up: what was allowed before may stand in the new grant too (design §3). Only a client that can prove who it
      // is gets it ticked; anybody could ask in another's name.
      const requested = ResourceScopes.offeredBy(request.resources, request.scope)
      const allowed = Client.allowedScope(request.client, Resource.offered(request.resources))
      const before = earlierScopes(consent)
      const earlier = ResourceScopes.intersection(ResourceScopes.offeredBy(request.resources, allowed), before)
      const wanted = ResourceScopes.union(requested, earlier)
      const mayBeGiven = yield* permitted(request, who, ResourceScopes.scope(wanted))
      const offered = ResourceScopes.within(wanted, mayBeGiven)
      const asked = ResourceScopes.within(requested, mayBeGiven)
      if (Scope.isEmpty(ResourceScopes.scope(asked)) && !Scope.isEmpty(request.scope)) return yield* nothingPermitted
      return {
        form: {
          _tag: "ConsentForm",
          sessionId: session.id,
          subject: account.id,
          ...(yield* draw),
          offered
        },
        ticked: Client.canProveItself(request.client, request.redirectUri) ? offered : asked,
        fresh: ResourceScopes.difference(offered, before)
      }
    }),

    remembered: Effect.fn("Approvals.remembered")(function* (request, who) {
      const { client, redirectUri, scope } = request
      yield* Effect.annotateCurrentSpan({ subject: who.account.id, clientId: client.id })
      if (!Client.canProveItself(client, redirectUri)) return Option.none()
      const asked = ResourceScopes.offeredBy(request.resources, scope)
      const consent = Option.filter(
        yield* consents.find(who.account.id, client.id),
        ({ granted, redirectUris }) =>
          ResourceScopes.isSubset(asked, granted) && redirectUris.has(RedirectUri.anyPort(redirectUri))
      )
      if (Option.isNone(consent)) return Option.none()
      // Where the policy takes something away, the person sees what is left.
      if (!Scope.isSubset(scope, yield* permitted(request, who, scope))) return Option.none()
      const drawn = yield* draw
      // The consent may be taken back meanwhile: then the grant is of an epoch that is dead.
      yield* approve(request, who, drawn, asked, consent.value, "RememberedConsent")
      return Option.some(drawn.code)
    }),

    allow: Effect.fn("Approvals.allow")(function* (request, who, form, ticked) {
      yield* Effect.annotateCurrentSpan({
        grantId: form.grantId,
        subject: form.subject,
        clientId: request.client.id
      })
      if (yield* isDenied(form)) return alreadyDecided
      const now = yield* DateTime.now
      const offered = ResourceScopes.scope(form.offered)
      const chosen = Scope.intersection(offered, ticked)
      if (Scope.isEmpty(chosen) && !Scope.isEmpty(offered)) return nothingTicked
      const scope = yield* permitted(request, who, chosen)
      if (Scope.isEmpty(scope) && !Scope.isEmpty(offered)) {
        yield* refuse(form)
        return yield* nothingPermitted
      }
      // A page that was decided before adds nothing to what is remembered.
      const decided = yield* grants.find(form.grantId)
      if (Option.isSome(decided)) return allowed(decided.value._tag, form)
      // A resource of which nothing was ticked is not granted: an audience is access, too. Only a resource that had no
      // scopes on the page, and has none now, is granted by itself.
      const known = yield* resources.all
      const isBare = (uri: Resource.ResourceIndicator) =>
        Scope.isEmpty(ResourceScopes.at(form.offered, uri)) &&
        Scope.isEmpty(Resource.offered(known.filter((resource) => resource.uri === uri)))
      const granted = ResourceScopes.filter(
        ResourceScopes.within(form.offered, scope),
        (own, uri) => !Scope.isEmpty(own) || isBare(uri)
      )
      // First the consent, then the grant: a grant without a recorded consent never exists.
      const consent = yield* consents.record({
        subject: who.account.id,
        clientId: request.client.id,
        granted,
        redirectUris: new Set([RedirectUri.anyPort(request.redirectUri)]),
        updatedAt: now
      })
      const answer = yield* approve(request, who, form, granted, consent, "Person")
      if (yield* isDenied(form)) {
        yield* grants.revoke(form.grantId, "Denied", now)
        return alreadyDecided
      }
      return allowed(answer === "Approved" ? answer : answer.alreadyDecided, form)
    }),

    deny: Effect.fn("Approvals.deny")(function* (request, form) {
      yield* Effect.annotateCurrentSpan({
        grantId: form.grantId,
        subject: form.subject,
        clientId: request.client.id
      })
      if (yield* refuse(form)) {
        yield* events.publish({ _tag: "Denied", subject: form.subject, clientId: request.client.id })
      }
      return new AccessDenied({ reason: "Denied", description: "the person refused" })
    }),

    knowsTarget: Effect.fn("Approvals.knowsTarget")(function* ({ account }, { client, redirectUri }) {
      yield* Effect.annotateCurrentSpan({ subject: account.id, clientId: client.id })
      const consent = yield* consents.find(account.id, client.id)
      return Option.exists(consent, ({ redirectUris }) => redirectUris.has(RedirectUri.anyPort(redirectUri)))
    })
  })
})

export const layer = Layer.effect(Approvals, make)
