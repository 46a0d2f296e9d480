/** A form that a page of this server sends back: from the same origin (RFC 6749 §10.12), with the seal it was shown with. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Subject } from "../../domain/Account.js"
import { Forbidden } from "../../domain/HttpError.js"
import * as Issuer from "../../domain/Issuer.js"
import * as Parameters from "../../domain/Parameters.js"
import type { SessionId } from "../../domain/Session.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { type Form, SealedForms } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as PageForms from "../pages/PageForms.js"
import * as Body from "../wire/Body.js"

/**
 * Fails unless a page of this server sent the request. `Sec-Fetch-Site` decides; a browser without it sends `Origin`, and
 * a null origin is refused.
 */
export const requireSameOrigin = (
  request: HttpServerRequest.HttpServerRequest,
  issuer: Issuer.Issuer
): Effect.Effect<void, Forbidden> => {
  const site = request.headers["sec-fetch-site"]
  const same = site === undefined ? request.headers.origin === Issuer.origin(issuer) : site === "same-origin"
  return same
    ? Effect.void
    : new Forbidden({ reason: "CrossSite", description: "the form was not sent from a page of this server" })
}

/**
 * Receives a form of one kind. The endpoint checks whether it has expired and whose it is. No field may be repeated, save
 * those named.
 */
export const receive = <Tag extends Form["_tag"]>(
  request: HttpServerRequest.HttpServerRequest,
  tag: Tag,
  repeatable: ReadonlySet<string> = new Set()
) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const { issuer } = yield* ServerSettings
    yield* requireSameOrigin(request, issuer)
    const parameters = yield* Body.form(request)
    yield* Parameters.refuseRepeated(parameters, repeatable)
    const sealed = yield* Parameters.required(parameters, PageForms.form)
    const opened = yield* forms.open(tag, sealed)
    return Option.isSome(opened)
      ? { ...opened.value, sealed, parameters }
      : yield* new Forbidden({ reason: "ForgedForm", description: "the form was not made by this server" })
  })

/** Why a form is refused: it expired, its user is no longer logged in, or it was shown in another session. */
export const Refusal = Schema.Literal("FormExpired", "LoggedOut", "FormForeign")
export type Refusal = typeof Refusal.Type

/** Parameter of the URL that a refused form leads to; the page there says why. Anyone can write it: it does nothing else. */
export const refusalParameter = "latchkey_refused"

/** Reads the reason from a query, without its `?`. */
export const refusalIn = (query: string | URLSearchParams): Option.Option<Refusal> =>
  Schema.decodeUnknownOption(Refusal)(
    (typeof query === "string" ? new URLSearchParams(query) : query).get(refusalParameter)
  )

/** The URL path, with or without a query, whose page says why a form was refused. */
export const withRefusal = (path: string, refusal: Refusal): string =>
  `${path}${path.includes("?") ? "&" : "?"}${refusalParameter}=${refusal}`

/** Why a form of a session is refused to the user who is at the browser now; `None` if it is accepted. */
export const refusal = (
  { expired, form }: { readonly expired: boolean; readonly form: { sessionId: SessionId; subject?: Subject } },
  visitor: Option.Option<LoggedIn>
): Option.Option<Refusal> => {
  if (Option.isNone(visitor)) return Option.some("LoggedOut")
  const { account, session } = visitor.value
  const isTheirs = form.sessionId === session.id && (form.subject ?? account.id) === account.id
  if (!isTheirs) return Option.some("FormForeign")
  return expired ? Option.some("FormExpired") : Option.none()
}
