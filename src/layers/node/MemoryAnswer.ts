/** Answers in memory: they are written in one go, without a stream. */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Cookies from "@effect/platform/Cookies"
import type { HttpServerResponse } from "@effect/platform/HttpServerResponse"

/** A request of node:http, and its response. */
export interface Connection {
  readonly source: IncomingMessage
  readonly target: ServerResponse
}

/** Returns the bytes or the text of an answer in memory; `undefined` for any other. */
export const contentOf = ({ body }: HttpServerResponse): Uint8Array | string | undefined => {
  switch (body._tag) {
    case "Empty":
      return ""
    case "Uint8Array":
      return body.body
    case "Raw":
      return typeof body.body === "string" || body.body instanceof Uint8Array ? body.body : undefined
    default:
      return undefined
  }
}

const headersOf = ({ cookies, headers }: HttpServerResponse): Readonly<Record<string, string | Array<string>>> => {
  if (Cookies.isEmpty(cookies)) return headers
  const lines = Cookies.toSetCookieHeaders(cookies)
  const own = headers["set-cookie"]
  return { ...headers, "set-cookie": own === undefined ? lines : [...lines, own] }
}

/** Maximum size of a body that is written together with its headers, in bytes. */
const maxJoined = 16 * 1024

/** Writes an answer in memory, with headers beside its own. */
export const write = (
  { source, target }: Connection,
  response: HttpServerResponse,
  content: Uint8Array | string,
  further: Readonly<Record<string, string>> = {}
) => {
  if (target.writableEnded) return
  target.writeHead(response.status, { ...headersOf(response), ...further })
  if (source.method === "HEAD" || content.length === 0) target.end()
  else if (typeof content === "string" || content.length > maxJoined) target.end(content)
  // Node joins the headers with a text, so that both are one write. Latin-1 has a character for each byte.
  else target.end(Buffer.from(content.buffer, content.byteOffset, content.length).toString("latin1"), "latin1")
}
