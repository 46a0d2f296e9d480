/** The metadata of a guarded resource (RFC 9728), for an app whose authorization server is another process. */
import * as HttpHeaders from "@effect/platform/Headers"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { MethodNotAllowed } from "../../domain/HttpError.js"
import type * as Issuer from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type * as Resource from "../../domain/Resource.js"
import * as Url from "../../domain/Url.js"
import type * as BearerGuard from "../../http/guard/BearerGuard.js"
import { documentOf } from "../../http/oauth/ProtectedResourceEndpoint.js"
import * as Cors from "../../http/wire/Cors.js"
import * as Wire from "../../http/wire/Wire.js"
import * as RequestHeaders from "./RequestHeaders.js"

/** A request for metadata: a `Request` of the Fetch standard, or a request of node:http. */
export interface Asked extends RequestHeaders.Headed {
  readonly method?: string | undefined
  /** A URL, or the path and the query of one. */
  readonly url?: string | undefined
}

const allow = "GET, HEAD, OPTIONS"

const notAllowed = new MethodNotAllowed({ reason: "MethodNotAllowed", description: "the method is not allowed here" })

const respond = (
  resource: Effect.Effect<Resource.Resource | undefined, TemporarilyUnavailable>,
  request: Asked,
  issuer: Issuer.Issuer
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  if (request.method === "OPTIONS") {
    const headers = HttpHeaders.fromInput({
      "access-control-request-headers": RequestHeaders.get(request, "access-control-request-headers")
    })
    return Effect.succeed(Cors.preflight({ headers }, allow))
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return Effect.succeed(HttpServerResponse.setHeaders(Wire.toJson(notAllowed, issuer), { allow, ...Cors.headers }))
  }
  return Effect.match(resource, {
    onFailure: (error) => Wire.toJson(error, issuer),
    onSuccess: (resource) =>
      resource === undefined
        ? HttpServerResponse.empty({ status: 404 })
        : Wire.json(documentOf(issuer, resource), {
            headers: { ...Cors.headers, "cache-control": "public, max-age=300" }
          })
  })
}

/** The answer to a request for another URL. */
const none: Response | undefined = undefined

/** Answers a request for the metadata of a guarded resource; `undefined` if the request is for another URL. */
export const answer = (
  { metadataUrl, resource }: BearerGuard.Guard,
  request: Asked,
  issuer: Issuer.Issuer
): Effect.Effect<Response | undefined> => {
  const { href, origin } = new URL(metadataUrl)
  const asked = Url.parse(request.url ?? "", origin)
  if (asked === undefined || origin + asked.pathname + asked.search !== href) return Effect.succeed(none)
  return Effect.map(respond(resource, request, issuer), (response) =>
    HttpServerResponse.toWeb(response, { withoutBody: request.method === "HEAD" })
  )
}
