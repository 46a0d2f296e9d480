/** CORS where no cookie counts: scripts of every origin may send every header and read every response (Fetch, the CORS protocol). */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"

/** Headers of every response. */
export const headers = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id"
}

/** Headers of requests that a preflight always allows. */
const standardHeaders = ["Authorization", "Content-Type", "MCP-Protocol-Version"]

/** Maximum number of names that are read from one preflight; a browser sends a few. */
const maxNames = 100

/** The name of a header (RFC 9110 §5.1, §5.6.2). */
const name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Returns the value of `Access-Control-Allow-Headers`: the standard names of a route, then the others that the preflight
 * asks for, since no list could have the headers of a page's tracing or of a protocol's next version. A text that is not a
 * name is left out. `*` does not cover `Authorization` (Fetch §4.10).
 */
export const allowedHeaders = (
  { headers }: Pick<HttpServerRequest.HttpServerRequest, "headers">,
  standard: ReadonlyArray<string> = standardHeaders
): string => {
  const allowed = new Map(standard.map((own) => [own.toLowerCase(), own]))
  for (const part of (headers["access-control-request-headers"] ?? "").split(",", maxNames)) {
    const requested = part.trim()
    if (name.test(requested) && !allowed.has(requested.toLowerCase())) allowed.set(requested.toLowerCase(), requested)
  }
  return Array.from(allowed.values()).join(", ")
}

/** Answers a preflight: `allow` names the methods of the path. */
export const preflight = (
  request: Pick<HttpServerRequest.HttpServerRequest, "headers">,
  allow: string
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({
    status: 204,
    headers: {
      allow,
      ...headers,
      "access-control-allow-methods": allow,
      "access-control-allow-headers": allowedHeaders(request),
      "access-control-max-age": "3600",
      vary: "Access-Control-Request-Headers"
    }
  })
