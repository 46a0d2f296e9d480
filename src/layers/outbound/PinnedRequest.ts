/** One GET request to addresses that were checked, on node:http and node:https. */
import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http"
import { request as requestHttps, Agent as SecureAgent } from "node:https"
import { isIP, type LookupFunction } from "node:net"
import * as Effect from "effect/Effect"
import {
  type OutboundDocument,
  OutboundError,
  type OutboundReason,
  type OutboundRequest
} from "../../services/outbound/OutboundClient.js"
import { type HostAddress, hostOf } from "./Destination.js"

/** Maximum size of the headers of a response, in bytes. */
const maxHeaderSize = 16 * 1024

/** Maximum number of header lines of a response. */
const maxHeaders = 100

/** Error codes of Node and OpenSSL for a certificate that is not valid for the host. */
const isCertificateError = (code: string): boolean =>
  /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|ERR_SSL_)/.test(
    code
  )

/** Returns the reason of an error of node:http, and its code for the log. The message may hold text of the other server. */
const reasonOf = (error: unknown): readonly [OutboundReason, string] => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "no code"
  if (code === "HPE_HEADER_OVERFLOW") return ["TooLarge", "the headers are too large"]
  return [isCertificateError(code) ? "Untrusted" : "Unreachable", `the request failed (${code})`]
}

/** Answers with the checked addresses, so that no other answer of a name server can matter. */
const pinned =
  (addresses: ReadonlyArray<HostAddress>): LookupFunction =>
  (_, options, done) => {
    const [first] = addresses
    if (options.all === true) done(null, [...addresses])
    else done(null, first?.address ?? "", first?.family ?? 0)
  }

/** Names of headers are in lower case; a repeated one has one value or a list, as node:http joins them. */
const headersOf = ({ headers }: IncomingMessage): OutboundDocument["headers"] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value])
  )

/** Why a response is refused before its body is read; `undefined` if it is not. */
const objection = (
  { headers, statusCode }: IncomingMessage,
  maxBytes: number
): readonly [OutboundReason, string] | undefined => {
  if (statusCode !== 200) return ["Status", `the status is ${statusCode}`]
  // The size of a decoded body is not known in advance, and the request asked for no encoding.
  const encoding = headers["content-encoding"] ?? "identity"
  if (encoding.toLowerCase() !== "identity") return ["Unreachable", "the body is encoded"]
  return Number(headers["content-length"] ?? 0) > maxBytes ? tooLarge(maxBytes) : undefined
}

const tooLarge = (maxBytes: number) => ["TooLarge", `the body has more than ${maxBytes} bytes`] as const

/**
 * Sends the request, and aborts it when the effect is interrupted. `ca` replaces the certificate authorities of Node. The caller
 * sets the deadline: informational responses and a slow body may never end.
 */
export const send = (
  { accept, maxBytes, url }: OutboundRequest,
  addresses: ReadonlyArray<HostAddress>,
  ca: string | undefined
): Effect.Effect<OutboundDocument, OutboundError> =>
  Effect.async((resume) => {
    const { host } = url
    const fail = ([reason, detail]: readonly [OutboundReason, string]): void => {
      resume(new OutboundError({ reason, detail: `${host}: ${detail}` }))
      request.destroy()
    }
    const onError = (error: unknown): void => fail(reasonOf(error))
    const onResponse = (response: IncomingMessage): void => {
      const refused = objection(response, maxBytes)
      if (refused !== undefined) {
        fail(refused)
        return
      }
      const chunks: Array<Buffer> = []
      let size = 0
      response.on("data", (chunk: Buffer) => {
        size += chunk.length
        if (size > maxBytes) fail(tooLarge(maxBytes))
        else chunks.push(chunk)
      })
      response.once("error", onError)
      response.once("close", () => {
        if (response.complete) resume(Effect.succeed({ headers: headersOf(response), body: Buffer.concat(chunks) }))
        else fail(["Unreachable", "the response ended too early"])
      })
    }
    const request: ClientRequest = (url.protocol === "https:" ? requestHttps : requestHttp)({
      // An agent of its own keeps no connection. The environment can neither give it a proxy nor turn off the check of certificates.
      ...(url.protocol === "https:"
        ? { agent: new SecureAgent({ keepAlive: false, maxCachedSessions: 0 }), ca, rejectUnauthorized: true }
        : { agent: new Agent({ keepAlive: false }) }),
      method: "GET",
      host: hostOf(url),
      port: url.port,
      path: url.pathname + url.search,
      ...(isIP(hostOf(url)) === 0 ? { servername: url.hostname } : {}),
      headers: { host, accept, "accept-encoding": "identity", "user-agent": "Latchkey" },
      lookup: pinned(addresses),
      maxHeaderSize,
      insecureHTTPParser: false
    })
    request.maxHeadersCount = maxHeaders
    request.once("response", onResponse)
    request.on("error", onError)
    request.once("upgrade", () => fail(["Status", "the status is 101"]))
    request.end()
    return Effect.sync(() => {
      request.destroy()
    })
  })
