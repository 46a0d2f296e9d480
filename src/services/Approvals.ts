/** The person's decision: what the consent page offers, and what Allow and Deny do. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as AuthorizationCode from "../domain/AuthorizationCode.js"
import type { AuthorizationRequest } from "../domain/AuthorizationRequest.js"
import * as Client from "../domain/Client.js"
import type { Consent } from "../domain/Consent.js"
import * as Grant from "../domain/Grant.js"
import { AccessDenied, type TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as RedirectUri from "../domain/RedirectUri.js"
import * as Resource from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"
import { ClientStore } from "./ClientStore.js"
import { ConsentStore } from "./ConsentStore.js"
import { digest, identifier, randomBytes } from "./Crypto.js"
import { Events } from "./Events.js"
import type { ConsentForm } from "./Forms.js"
import { GrantStore } from "./GrantStore.js"
import { Resources } from "./Resources.js"
import { ServerSettings } from "./ServerSettings.js"
import type { LoggedIn } from "./Sessions.js"

/** What a consent page shows, and the form that answers it. */
export interface Offer {
  readonly form: Omit<ConsentForm, "query">
  /** What is ticked when the page opens: what the request asks, and what may be carried over. */
  readonly ticked: Scope.Scope
  /** What this person has not allowed this client before. */
  readonly fresh: Scope.Scope
}

/** How an Allow ends. */
export type Allowed =
  /** The code for the client; the same one again when the same page is sent twice. */
  | { readonly _tag: "Allowed"; readonly code: Redacted.Redacted }
  /** This page was decided before, and its code has been spent or taken back. */
  | { readonly _tag: "AlreadyDecided" }

export class Approvals extends Context.Tag("latchkey/Approvals")<
  Approvals,
  {
    /**
     * What to ask the person. The grant's id and code are drawn here and travel in the form, so that however often it
     * is sent there is one grant.
     */
    readonly offer: (request: AuthorizationRequest, who: LoggedIn) => Effect.Effect<Offer, TemporarilyUnavailable>
    /** The person allowed what is ticked. Fails when nothing is. */
    readonly allow: (
      request: AuthorizationRequest,
      who: LoggedIn,
      form: ConsentForm,
      ticked: Scope.Scope
    ) => Effect.Effect<Allowed, AccessDenied | TemporarilyUnavailable>
    /** The person refused: a grant that an earlier Allow of the same page made is taken back. */
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

const make = Effect.gen(function* () {
  const grants = yield* GrantStore
  const consents = yield* ConsentStore
  const clients = yield* ClientStore
  const events = yield* Events
  const known = yield* Resources
  const { lifetimes } = yield* ServerSettings

  const earlierScope = (consent: Option.Option<Consent>) =>
    Option.match(consent, { onNone: () => Scope.empty, onSome: ({ scope }) => scope })

  return Approvals.of({
    offer: Effect.fn("Approvals.offer")(function* (request, { account, session }) {
      const grantId = Grant.GrantId.make(yield* identifier)
      const code = AuthorizationCode.make(grantId, yield* randomBytes(32))
      const consent = yield* consents.find(account.id, request.client.id)
      // Step-up: what was allowed before may stand in the new grant too (design §3). Only a client that can prove who it
      // is gets it ticked; anybody could ask in another's name.
      const allowed = Client.allowedScope(request.client, Resource.offered(request.resources))
      const earlier = Scope.intersection(earlierScope(consent), allowed)
      const offered = Scope.union(request.scope, earlier)
      return {
        form: {
          _tag: "ConsentForm",
          sessionId: session.id,
          subject: account.id,
          grantId,
          code: code.text,
          offered,
          resources: request.resources.map(({ uri }) => uri)
        },
        ticked: Client.canProveItself(request.client, request.redirectUri) ? offered : request.scope,
        fresh: Scope.difference(offered, earlierScope(consent))
      }
    }),

    allow: Effect.fn("Approvals.allow")(function* (request, { account, session }, form, ticked) {
      const now = yield* DateTime.now
      const scope = Scope.intersection(form.offered, ticked)
      if (Scope.isEmpty(scope) && !Scope.isEmpty(form.offered)) {
        // As a Deny does, it takes back what an earlier Allow of the same page made.
        yield* grants.revoke(form.grantId, "Denied", now)
        return yield* new AccessDenied({ reason: "NothingAllowed", description: "nothing was allowed" })
      }
      // A resource of which nothing was ticked is not granted: an audience is access, too.
      const resources = yield* known.all
      const granted = form.resources.filter((uri) => {
        const offered = Resource.offered(resources.filter((resource) => resource.uri === uri))
        return Scope.isEmpty(offered) || !Scope.isEmpty(Scope.intersection(offered, scope))
      })
      // First the consent, then the grant: a grant without a recorded consent never exists.
      const consent = yield* consents.record({
        subject: account.id,
        clientId: request.client.id,
        scope,
        resources: new Set(granted),
        redirectUris: new Set([RedirectUri.anyPort(request.redirectUri)]),
        updatedAt: now
      })
      const answer = yield* grants.approve(
        Grant.Grant.Approved({
          terms: {
            id: form.grantId,
            subject: account.id,
            clientId: request.client.id,
            redirectUri: request.redirectUri,
            scope,
            resources: granted,
            sessionId: session.id,
            authenticatedAt: session.authenticatedAt,
            approvedAt: now,
            expiresAt: DateTime.addDuration(now, lifetimes.grant),
            epochs: { subject: session.subjectEpoch, client: request.client.epoch, consent: consent.epoch }
          },
          code: {
            digest: digest(form.code),
            challenge: request.codeChallenge,
            expiresAt: DateTime.addDuration(now, lifetimes.authorizationCode)
          }
        })
      )
      if (answer === "Approved") {
        if (Option.isNone(request.client.usedAt)) yield* clients.markUsed(request.client.id, now)
        yield* events.publish({
          _tag: "Allowed",
          grantId: form.grantId,
          subject: account.id,
          clientId: request.client.id,
          scope: Scope.format(scope)
        })
      }
      return answer === "Approved" || answer.alreadyDecided === "Approved"
        ? { _tag: "Allowed", code: form.code }
        : { _tag: "AlreadyDecided" }
    }),

    deny: Effect.fn("Approvals.deny")(function* (request, form) {
      yield* grants.revoke(form.grantId, "Denied", yield* DateTime.now)
      yield* events.publish({ _tag: "Denied", subject: form.subject, clientId: request.client.id })
      return new AccessDenied({ reason: "Denied", description: "the person refused" })
    }),

    knowsTarget: Effect.fn("Approvals.knowsTarget")(function* ({ account }, { client, redirectUri }) {
      const consent = yield* consents.find(account.id, client.id)
      return Option.exists(consent, ({ redirectUris }) => redirectUris.has(RedirectUri.anyPort(redirectUri)))
    })
  })
})

export const layer = Layer.effect(Approvals, make)
