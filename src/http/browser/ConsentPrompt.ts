/** Asks the user to allow or deny a request: the consent page. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as Issuer from "../../domain/Issuer.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as ScopeHierarchy from "../../domain/ScopeHierarchy.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import type { Offer } from "../../services/authorization/Offer.js"
import { type ConsentForm, SealedForms } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type * as Pages from "../pages/Pages.js"
import * as Page from "../wire/Page.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as ConsentTicks from "./ConsentTicks.js"
import type * as SealedForm from "./SealedForm.js"

/** A consent form and the sealed text that holds it. */
export interface SealedConsent {
  readonly form: ConsentForm
  readonly sealed: string
}

/** Why a consent form was refused, and which scopes stay ticked. */
export type RefusedConsent =
  | { readonly refusal: Exclude<SealedForm.Refusal, "LoggedOut">; readonly ticked?: ResourceScopes.ResourceScopes }
  /**
   * The user allowed with no scope ticked. The page shows the same form again, with its seal: a later Deny then also
   * revokes the grant of an earlier Allow of this form, and the form expires when it would have.
   */
  | ({ readonly refusal: "NothingTicked" } & SealedConsent)

/** A consent page to show, and its user. */
export interface Prompt {
  readonly query: string
  readonly request: AuthorizationRequest
  readonly who: LoggedIn
  readonly offer: Offer
  readonly refused?: RefusedConsent | undefined
}

/** Returns the sentences of the scopes that a scope implies, in the order of the resource. */
const includedIn = (resource: Resource.Resource, token: string): ReadonlyArray<string> => {
  const implied = ScopeHierarchy.impliedBy(Resource.hierarchy(resource), token)
  return Object.entries(resource.scopes).flatMap(([other, description]) => (implied.has(other) ? [description] : []))
}

/** The consent page of a request, for one user in one session. */
export const page = ({ offer, query, refused, request, who }: Prompt) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const { issuer, lifetimes } = yield* ServerSettings
    const isAgain = refused?.refusal === "NothingTicked"
    const newForm: ConsentForm = {
      _tag: "ConsentForm",
      query,
      sessionId: who.session.id,
      subject: who.account.id,
      grantId: offer.grantId,
      code: offer.code,
      offered: offer.offered
    }
    const { form, sealed }: SealedConsent = isAgain ? refused : { form: newForm, sealed: yield* forms.seal(newForm) }
    const ticked = isAgain ? ResourceScopes.empty : (refused?.ticked ?? offer.ticked)
    const page: Pages.ConsentPage = {
      problem: refused?.refusal,
      ...Client.identity(request.client),
      clientUri: Client.website(request.client, request.redirectUri),
      target: RedirectUri.target(request.redirectUri),
      username: who.displayName,
      switchUrl: AuthorizationUrl.pathWithPrompt(issuer, query, "login"),
      resources: request.resources.map((resource) => ({
        name: resource.name ?? resource.uri,
        uri: resource.uri,
        scopes: Object.entries(resource.scopes)
          .filter(([token]) => ResourceScopes.at(form.offered, resource.uri).has(token))
          .map(([token, description]) => ({
            token,
            value: ConsentTicks.boxValue(form.offered, resource.uri, token),
            description,
            includes: includedIn(resource, token),
            checked: ResourceScopes.at(ticked, resource.uri).has(token),
            isNew: ResourceScopes.at(offer.fresh, resource.uri).has(token)
          }))
      })),
      lasts: `Access ends by itself after ${Math.ceil(Duration.toDays(lifetimes.grant))} days at the latest.`,
      formAction: `${Issuer.path(issuer)}/consent`,
      form: sealed
    }
    return yield* Page.page("consentPage", page, isAgain ? 400 : 200)
  })
