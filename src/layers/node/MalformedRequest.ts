/**
 * Answers requests that Node cannot parse. Node's own response to headers that are too large (431) has no body, so a user
 * sees only an error of the browser. Our response says what is too large and how to repair it (RFC 6585 §5). No listener of an
 * app receives such a request, so this module also reports it to the log.
 */
import { type Server, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import type { Rendering } from "../../http/wire/Page.js"
import { noSniff, noStore } from "../../http/wire/Wire.js"
import * as MemoryAnswer from "./MemoryAnswer.js"

/** A refusal before any route. It contains nothing of the request. */
export interface Refusal {
  readonly status: number
  readonly reason: string
}

/** The refusals by the codes of Node's errors. The statuses are Node's own (`socketOnError` of `lib/_http_server.js`). */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: "HeadersTooLarge" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: "ChunkExtensionsTooLarge" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: "RequestTimeout" }
}

const malformed: Refusal = { status: 400, reason: "MalformedRequest" }

const tooLarge = {
  title: "Your browser sent too much",
  message:
    "The address and the headers of this request are too large together. Usually the cookies of this site are the cause: clear the cookies of this site in your browser, then open the page again."
}

const page = ({ document, headers }: Rendering) => ({
  "content-type": "text/html; charset=utf-8",
  ...headers,
  body: document("errorPage", tooLarge)
})

const json = {
  "content-type": "application/json",
  body: JSON.stringify({
    error: "invalid_request",
    error_description:
      "the URL and the headers of the request are too large together; send shorter ones, and in a browser clear the cookies of this site"
  })
}

/**
 * Returns whether to send a page. Node gives only the packet that exceeded the limit. If the request began in an earlier packet,
 * its `Accept` header is unknown: then a user may be waiting, and a program can use the status.
 */
const wantsPage = (packet: string): boolean => {
  const accept = /^accept:(.*)$/im.exec(packet)?.[1]
  return accept === undefined ? !/^[A-Z]+ \S+ HTTP\/1\.[01]\r?\n/.test(packet) : /text\/html/i.test(accept)
}

const render = ({ status }: Refusal, packet: string, rendering: Rendering): string => {
  const { body, ...type } = status === 431 ? (wantsPage(packet) ? page(rendering) : json) : { body: "" }
  const headers = { ...type, ...noStore, ...noSniff, "content-length": Buffer.byteLength(body), connection: "close" }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n${body}`
}

/** Time to read the rest of a refused request, in milliseconds. An earlier close would reset the connection and lose the response. */
const lingering = 1_000

/**
 * Answers requests that a server cannot parse, unless the app listens to `clientError` itself. `isAnswering` returns whether
 * part of a response was sent on a socket: then nothing can be added, and the connection is closed. `rendering` returns the
 * pages at each refusal, because a server exists before its app.
 */
export const listen = (
  server: Server,
  isAnswering: (socket: Duplex) => boolean,
  onRefusal: (refusal: Refusal) => void,
  rendering: () => Rendering
): void => {
  const refused = new WeakSet<Duplex>()
  server.on("clientError", (error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }, socket) => {
    // The rest of a refused request causes another error.
    if (server.listenerCount("clientError") > 1 || refused.has(socket)) return
    refused.add(socket)
    // Those to the requests before this one, in the same packet.
    MemoryAnswer.sendMade()
    if (!socket.writable || isAnswering(socket)) return void socket.destroy()
    const refusal = refusals[error.code ?? ""] ?? malformed
    onRefusal(refusal)
    socket.end(render(refusal, error.rawPacket?.toString("latin1") ?? "", rendering()))
    const timer = setTimeout(() => socket.destroy(), lingering)
    socket.once("end", () => socket.destroy()).once("close", () => clearTimeout(timer))
  })
}
