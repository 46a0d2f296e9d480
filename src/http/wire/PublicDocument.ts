/** A JSON document, such as metadata, that every client may read and cache. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { digestOf } from "../../services/keys/Crypto.js"
import type { Endpoint } from "./Endpoint.js"
import * as Wire from "./Wire.js"

/** Returns true if the client has the document already. Proxies make strong tags weak (RFC 9110 §13.1.2). */
const holds = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? "").split(",").some((tag) => ["*", etag, `W/${etag}`].includes(tag.trim()))

/** Returns a document as a response with an entity tag of its content (RFC 9110 §8.8.3). */
export const answer = (
  document: Readonly<Record<string, unknown>>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest> =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    const body = JSON.stringify(document)
    const headers = { "cache-control": "public, max-age=300", etag: `"${digestOf(body)}"` }
    return holds(request.headers["if-none-match"], headers.etag)
      ? HttpServerResponse.empty({ status: 304, headers })
      : HttpServerResponse.text(body, { contentType: "application/json", headers })
  })

/** Makes an endpoint that serves a document. */
export const endpoint = (
  path: string,
  issuer: Issuer,
  document: Effect.Effect<Readonly<Record<string, unknown>>, TemporarilyUnavailable>
): Endpoint<TemporarilyUnavailable, HttpServerRequest.HttpServerRequest, never, never> => ({
  path,
  cors: true,
  renderError: (error) => Wire.toJson(error, issuer),
  GET: Effect.flatMap(document, answer)
})
