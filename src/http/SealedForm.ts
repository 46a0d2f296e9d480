/** A form of ours, sent back: from a page of ours (RFC 6749 §10.12), and with the seal that it was shown with. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Forbidden } from "../domain/OAuthError.js"
import * as Parameters from "../domain/Parameters.js"
import { type Form, Forms } from "../services/Forms.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Body from "./Body.js"
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
    const forms = yield* Forms
    const { issuer } = yield* ServerSettings
    yield* SameOrigin.require(request, issuer)
    const parameters = yield* Body.form(request)
    yield* Parameters.refuseRepeated(parameters, repeatable)
    const opened = yield* forms.open(tag, yield* Parameters.required(parameters, "form"))
    return Option.isSome(opened)
      ? { ...opened.value, parameters }
      : yield* new Forbidden({ reason: "ForgedForm", description: "the form was not made here" })
  })
