/** Answers in memory: they are written in one go, without a stream. */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as Cookies from "@effect/platform/Cookies"
import type { HttpServerResponse } from "@effect/platform/HttpServerResponse"
import type { Headers } from "../../http/wire/DirectRoutes.js"

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

/** Returns the headers of a response as Node takes them: each name before its value. Those of `further` replace its own. */
const linesOf = ({ cookies, headers }: HttpServerResponse, further: Headers): Array<string> => {
  const lines: Array<string> = []
  for (const [name, value] of further) lines.push(name, value)
  if (!Cookies.isEmpty(cookies)) for (const line of Cookies.toSetCookieHeaders(cookies)) lines.push("set-cookie", line)
  for (const name in headers) {
    if (further.every(([other]) => other !== name)) lines.push(name, headers[name] ?? "")
  }
  return lines
}

/** Maximum size of a body that is written together with its headers, in bytes. */
const maxJoined = 16 * 1024

/** Writes a body and ends a response whose head is written. */
const end = (target: ServerResponse, content: Uint8Array | string) => {
  // The connection may have closed since.
  if (target.writableEnded) return
  if (content.length === 0) target.end()
  else if (typeof content === "string" || content.length > maxJoined) target.end(content)
  // Node joins the headers with a text, so that both are one write. Latin-1 has a character for each byte.
  else target.end(Buffer.from(content.buffer, content.byteOffset, content.length).toString("latin1"), "latin1")
}

/** The responses that this turn of the event loop has made, and their bodies. */
let made: Array<readonly [target: ServerResponse, content: Uint8Array | string]> = []

/**
 * Sends the responses that wait for the end of the turn. Each write wakes its receiver; writes that follow each other at once
 * wake it once.
 */
export const sendMade = (): void => {
  const now = made
  made = []
  for (const [target, content] of now) end(target, content)
}

/**
 * Answers with a response in memory, at the end of this turn of the event loop. `further` are headers that it gets beside its own.
 */
export const write = (
  { source, target }: Connection,
  response: HttpServerResponse,
  content: Uint8Array | string,
  further: Headers = []
): void => {
  if (target.writableEnded) return
  target.writeHead(response.status, linesOf(response, further))
  if (made.length === 0) setImmediate(sendMade)
  made.push([target, source.method === "HEAD" ? "" : content])
}
