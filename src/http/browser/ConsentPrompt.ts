/** Asks the user to allow or deny a request: the consent page. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { AuthorizationRejected, type AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as Issuer from "../../domain/Issuer.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { Approvals } from "../../services/authorization/Approvals.js"
import { type ConsentForm, SealedForms } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type * as Pages from "../pages/index.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as Page from "./Page.js"
import type * as SealedForm from "./SealedForm.js"

/** A consent form and the sealed text that holds it. */
export interface SealedConsent {
  readonly form: ConsentForm
  readonly sealed: string
}

/** Why a consent form was refused, and which scopes stay ticked. */
export type RefusedConsent =
  | { readonly refusal: Exclude<SealedForm.Refusal, "LoggedOut">; readonly ticked?: Scope.Scope }
  /**
   * The user allowed with no scope ticked. The page shows the same form again, with its seal: a later Deny then also
   * revokes the grant of an earlier Allow of this form, and the form expires when it would have.
   */
  | ({ readonly refusal: "NothingTicked" } & SealedConsent)

/** The consent page of a request, for one user in one session. */
export const page = (query: string, request: AuthorizationRequest, who: LoggedIn, refused?: RefusedConsent) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const approvals = yield* Approvals
    const { issuer, lifetimes } = yield* ServerSettings
    const offer = yield* Effect.mapError(approvals.offer(request, who), (error) =>
      error._tag === "AccessDenied" ? new AuthorizationRejected({ replyTo: request, error }) : error
    )
    const isAgain = refused?.refusal === "NothingTicked"
    const drawn: ConsentForm = { ...offer.form, query }
    const { form, sealed }: SealedConsent = isAgain ? refused : { form: drawn, sealed: yield* forms.seal(drawn) }
    const ticked = isAgain ? Scope.empty : refused?.ticked
    const page: Pages.ConsentPage = {
      problem: refused?.refusal,
      clientName: Client.displayName(request.client),
      clientOrigin: request.client.origin,
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
            description,
            checked: (ticked ?? ResourceScopes.at(offer.ticked, resource.uri)).has(token),
            isNew: ResourceScopes.at(offer.fresh, resource.uri).has(token)
          }))
      })),
      lasts: `Access ends by itself after ${Math.ceil(Duration.toDays(lifetimes.grant))} days at the latest.`,
      formAction: `${Issuer.path(issuer)}/consent`,
      form: sealed
    }
    return yield* Page.page("consentPage", page, isAgain ? 400 : 200)
  })
