/** Requests of a person's browser at an address that is for programs. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

/** Whether the client names HTML among the types that it takes, as every browser does for a page. */
export const takesHtml = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  headers.accept?.toLowerCase().includes("text/html") === true

/** Whether a page is the better answer to an error: a browser asks for one, and sends no token. */
export const wantsPage = (request: HttpServerRequest.HttpServerRequest): boolean =>
  request.headers.authorization === undefined && takesHtml(request)

/** Whether a person opens the address: a browser asks for a page, and sends no token. */
export const isOpened = (request: HttpServerRequest.HttpServerRequest): boolean =>
  (request.method === "GET" || request.method === "HEAD") && wantsPage(request)
