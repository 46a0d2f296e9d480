/**
 * The headers that a preflight allows where no cookie counts: all that it asks for. Allowing them gives nothing away there,
 * and no list could name the headers of a page's tracing, or of a protocol's next version.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

/** Maximum number of names that are read from one preflight; a browser sends a few. */
const maxNames = 100

/** The name of a header (RFC 9110 §5.1, §5.6.2). */
const name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * The value of `Access-Control-Allow-Headers`: the standard names of a route, then the other ones that the preflight asks
 * for. A text that is no name is left out. `*` would not do, since it does not cover `Authorization` (Fetch §4.10).
 */
export const allowedHeaders = (
  { headers }: HttpServerRequest.HttpServerRequest,
  standard: ReadonlyArray<string>
): string => {
  const allowed = new Map(standard.map((own) => [own.toLowerCase(), own]))
  for (const part of (headers["access-control-request-headers"] ?? "").split(",", maxNames)) {
    const asked = part.trim()
    if (name.test(asked) && !allowed.has(asked.toLowerCase())) allowed.set(asked.toLowerCase(), asked)
  }
  return Array.from(allowed.values()).join(", ")
}
