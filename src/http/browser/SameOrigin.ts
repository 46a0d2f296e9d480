/** Forms are taken from our own pages only (RFC 6749 §10.12): the browser's word for where a post comes from. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Issuer from "../../domain/Issuer.js"
import { Forbidden } from "../../domain/OAuthError.js"

/** Fails unless the request was made by a page of ours: `Sec-Fetch-Site`, else `Origin`; a null origin is nobody's. */
export const require = (
  request: HttpServerRequest.HttpServerRequest,
  issuer: Issuer.Issuer
): Effect.Effect<void, Forbidden> => {
  const site = request.headers["sec-fetch-site"]
  const same = site === undefined ? request.headers.origin === Issuer.origin(issuer) : site === "same-origin"
  return same
    ? Effect.void
    : new Forbidden({ reason: "CrossSite", description: "the form was not sent from a page of this server" })
}
