/**
 * The URL of an authorization request. The request travels in its own URL until the user decides: a login returns to it,
 * and every form carries its query sealed.
 */
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Issuer from "../../domain/Issuer.js"
import * as Parameters from "../../domain/Parameters.js"
import { SealedForms } from "../../services/authorization/SealedForms.js"
import { digestOf } from "../../services/keys/Crypto.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as SealedForm from "./SealedForm.js"

/** Name of the parameter in which a login leaves its proof for the request that it returns to. */
const proofParameter = "latchkey_login"

/** An authorization request as its URL holds it. */
export interface AuthorizationUrl {
  /** The request's own parameters, in one spelling. */
  readonly query: string
  readonly parameters: Parameters.Parameters
  /**
   * Whether the client asks for an answer without a page (`prompt=none`, OpenID Connect Core §3.1.2.1), whether the rest of
   * the request is valid or not.
   */
  readonly silent: boolean
  /** When this request was first answered with a login page; `None` if it never was. */
  readonly firstShownAt: Option.Option<DateTime.Utc>
  /** Why a form of this request was just refused; `None` if none was. */
  readonly refusal: Option.Option<SealedForm.Refusal>
}

/** Reads the query of `/authorize`: the request, the proof that a login left there, and why a form was refused. */
export const read = (query: string) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const search = new URLSearchParams(query)
    const proof = search.get(proofParameter)
    const refusal = SealedForm.refusalIn(search)
    search.delete(proofParameter)
    search.delete(SealedForm.refusalParameter)
    const own = search.toString()
    const parameters = yield* Parameters.fromEntries(search)
    const opened = proof === null ? Option.none() : yield* forms.open("LoginProof", proof)
    const url: AuthorizationUrl = {
      query: own,
      parameters,
      silent: Parameters.all(parameters, "prompt").includes("none"),
      firstShownAt: opened.pipe(
        Option.filter(({ expired, form }) => !expired && form.request === digestOf(own)),
        Option.map(({ form }) => form.firstShownAt)
      ),
      refusal
    }
    return url
  })

/** The URL path of `/authorize` for a request. */
export const path = (issuer: Issuer.Issuer, query: string): string => `${Issuer.path(issuer)}/authorize?${query}`

/** The URL path at which the same request asks for a new login, or for consent again (OpenID Connect Core §3.1.2.1). */
export const pathWithPrompt = (issuer: Issuer.Issuer, query: string, prompt: "login" | "consent"): string => {
  const parameters = new URLSearchParams(query)
  const others = (parameters.get("prompt") ?? "").split(" ").filter((word) => word !== "" && word !== prompt)
  parameters.set("prompt", [...others, prompt].join(" "))
  return path(issuer, parameters.toString())
}

/** The URL path back to the request, with the proof of when it was first shown (see `read`). */
export const returnPath = (query: string, firstShownAt: DateTime.Utc) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const { issuer } = yield* ServerSettings
    const proof = yield* forms.seal({ _tag: "LoginProof", request: digestOf(query), firstShownAt })
    return path(issuer, `${query}&${proofParameter}=${proof}`)
  })
