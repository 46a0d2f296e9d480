/** Recognises requests of a user's browser at an endpoint for programs. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

/** Whether the request accepts HTML, as every browser does for a page. */
export const takesHtml = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  headers.accept?.toLowerCase().includes("text/html") === true

/** Whether to answer an error with a page: the request accepts HTML and has no token. */
export const wantsPage = (request: HttpServerRequest.HttpServerRequest): boolean =>
  request.headers.authorization === undefined && takesHtml(request)

/** Whether a user opens the URL in a browser: a GET that accepts HTML and has no token. */
export const isOpened = (request: HttpServerRequest.HttpServerRequest): boolean =>
  (request.method === "GET" || request.method === "HEAD") && wantsPage(request)
