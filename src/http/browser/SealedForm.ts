/** A form of ours, sent back: from a page of ours (RFC 6749 §10.12), and with the seal that it was shown with. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Subject } from "../../domain/Account.js"
import { Forbidden } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import type { SessionId } from "../../domain/Session.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { type Form, SealedForms } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as PageForms from "../pages/PageForms.js"
import * as Body from "../wire/Body.js"
import * as SameOrigin from "./SameOrigin.js"

/**
 * Receives a form of one kind. Whether it is too old, or was shown to somebody else, is for the endpoint to see. No field
 * may be repeated, save those named.
 */
export const receive = <Tag extends Form["_tag"]>(
  request: HttpServerRequest.HttpServerRequest,
  tag: Tag,
  repeatable: ReadonlySet<string> = new Set()
) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const { issuer } = yield* ServerSettings
    yield* SameOrigin.require(request, issuer)
    const parameters = yield* Body.form(request)
    yield* Parameters.refuseRepeated(parameters, repeatable)
    const sealed = yield* Parameters.required(parameters, PageForms.form)
    const opened = yield* forms.open(tag, sealed)
    return Option.isSome(opened)
      ? { ...opened.value, sealed, parameters }
      : yield* new Forbidden({ reason: "ForgedForm", description: "the form was not made here" })
  })

/** Why a form was not accepted: it expired, its person is no longer logged in, or it was shown in another session. */
export const Refusal = Schema.Literal("FormExpired", "LoggedOut", "FormForeign")
export type Refusal = typeof Refusal.Type

/** Parameter of a URL to which a refused form leads; its page says why. Anybody can write it, and it does nothing else. */
export const refusalParameter = "latchkey_refused"

/** Reads the reason from a query, without its `?`. */
export const refusalIn = (query: string): Option.Option<Refusal> =>
  Schema.decodeUnknownOption(Refusal)(new URLSearchParams(query).get(refusalParameter))

/** A URL path, with or without a query, whose page says why a form was not accepted. */
export const withRefusal = (path: string, refusal: Refusal): string =>
  `${path}${path.includes("?") ? "&" : "?"}${refusalParameter}=${refusal}`

/** Why a form of a session is not accepted from the person who is there now; `None` if it is. */
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
