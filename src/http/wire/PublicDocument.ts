/** A JSON document, such as metadata, that every client may read and cache. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { digestOf } from "../../services/keys/Crypto.js"
import type { Endpoint } from "./Endpoint.js"
import * as Wire from "./Wire.js"

/** The members of a document. The same object is the same document. */
export type Document = Readonly<Record<string, unknown>>

/** Returns true if the client has the document already. Proxies make strong tags weak (RFC 9110 §13.1.2). */
const holds = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? "").split(",").some((tag) => ["*", etag, `W/${etag}`].includes(tag.trim()))

/** The two responses with a document. */
interface Made {
  readonly etag: string
  readonly whole: HttpServerResponse.HttpServerResponse
  readonly notModified: HttpServerResponse.HttpServerResponse
}

const make = (document: Document): Made => {
  const body = JSON.stringify(document)
  const etag = `"${digestOf(body)}"`
  const headers = { "cache-control": "public, max-age=300", etag }
  return {
    etag,
    whole: Wire.json(document, { headers }),
    notModified: HttpServerResponse.empty({ status: 304, headers })
  }
}

/** The responses of each document, made once. */
const made = new WeakMap<Document, Made>()

/** Returns a document as a response with an entity tag of its content (RFC 9110 §8.8.3). */
export const answer = (
  request: HttpServerRequest.HttpServerRequest,
  document: Document
): HttpServerResponse.HttpServerResponse => {
  let responses = made.get(document)
  if (responses === undefined) {
    responses = make(document)
    made.set(document, responses)
  }
  const { etag, notModified, whole } = responses
  return holds(request.headers["if-none-match"], etag) ? notModified : whole
}

/** A document that may change. */
export interface Source {
  readonly document: Effect.Effect<Document, TemporarilyUnavailable>
  /** As `document`, without an effect; `undefined` if only `document` can tell. `now` is the time in milliseconds. */
  readonly peek: (now: number) => Document | undefined
}

/** Makes an endpoint that serves a document. */
export const endpoint = (
  path: string,
  issuer: Issuer,
  { document, peek }: Source
): Endpoint<TemporarilyUnavailable, never, never, never> => ({
  path,
  cors: true,
  renderError: (error) => Wire.toJson(error, issuer),
  peek: (request, now) => {
    const known = peek(now)
    return known === undefined ? undefined : answer(request, known)
  },
  GET: ({ request }) => Effect.map(document, (document) => answer(request, document))
})
