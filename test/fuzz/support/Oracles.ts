/** Promises that every answer keeps, whatever was asked. Each broken one has a name that a control of the tests knows. */
import { type Answer, header } from "./Answer.js"

/** A promise that was broken. */
export interface Broken {
  readonly oracle: string
  readonly detail: string
}

/** Endpoints that hash passwords, in a queue with room for 66: beyond it they answer 503 (`layers/Argon2`). */
const hashing = [/^\/login$/, /^\/account$/, /^\/first-account$/, /^\/api\/admin\/users(\/|$)/]

/** The page of the API's documentation, which is the only one that has scripts. */
const isDocumentation = (path: string | undefined): boolean => path?.startsWith("/api/docs") === true

/** Maximum time of an answer in milliseconds. */
export const slowest = 1_000

const status = ({ failure, headers, status }: Answer, path: string | undefined): string | undefined => {
  if (status === 0) return `no response: ${failure}`
  if (status < 500) return undefined
  const isBackpressure =
    status === 503 &&
    headers.some(([name]) => name.toLowerCase() === "retry-after") &&
    hashing.some((pattern) => pattern.test(path ?? ""))
  return isBackpressure ? undefined : `status ${status}`
}

/** Headers that go with a status (RFC 9110 §15.5, RFC 6585 §4). */
const companions = (answer: Answer): string | undefined => {
  const need = (name: string, pattern: RegExp) =>
    pattern.test(header(answer, name) ?? "") ? undefined : `status ${answer.status} without a good ${name}`
  switch (answer.status) {
    case 401:
      return need("www-authenticate", /^(Bearer|Basic) /)
    case 405:
      return need("allow", /^[A-Z]+(, [A-Z]+)*$/)
    case 303:
      return need("location", /^(\/|[a-z][a-z0-9+.-]*:)[\x21-\x7e]*$/)
    case 429:
    case 503:
      return need("retry-after", /^[1-9][0-9]*$/)
    default:
      return undefined
  }
}

const headers = (answer: Answer, path: string | undefined): string | undefined => {
  const missing = companions(answer)
  if (missing !== undefined || answer.body === "") return missing
  if (header(answer, "x-content-type-options") !== "nosniff") return "a body without nosniff"
  const cookie = answer.headers.find(
    ([name, value]) => name.toLowerCase() === "set-cookie" && !/; HttpOnly/i.test(value)
  )
  if (cookie !== undefined) return "a cookie without HttpOnly"
  if (!/^text\/html/.test(header(answer, "content-type") ?? "")) return undefined
  if (!/default-src 'none'.*frame-ancestors 'none'/.test(header(answer, "content-security-policy") ?? ""))
    return "a page without its Content-Security-Policy"
  if (header(answer, "x-frame-options") !== "DENY") return "a page without X-Frame-Options"
  return isDocumentation(path) || header(answer, "cache-control") === "no-store"
    ? undefined
    : "a page that may be stored"
}

const reflection = (answer: Answer, path: string | undefined): string | undefined =>
  /^text\/html/.test(header(answer, "content-type") ?? "") &&
  !isDocumentation(path) &&
  /<script|<img src=x|href="javascript:/i.test(answer.body)
    ? "a page holds markup that a request brought"
    : undefined

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** `error` and `error_description` of RFC 6749 §5.2. */
const isOAuthError = ({ error, error_description }: Readonly<Record<string, unknown>>): boolean =>
  typeof error === "string" &&
  /^[a-z_]+$/.test(error) &&
  (error_description === undefined || /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/.test(String(error_description)))

/** An error of JSON-RPC 2.0 §5.1. */
const isRpcError = ({ error, jsonrpc }: Readonly<Record<string, unknown>>): boolean =>
  jsonrpc === "2.0" && isRecord(error) && Number.isInteger(error.code) && typeof error.message === "string"

/** A request without a token is told what it needs, and no error (RFC 6750 §3.1). */
const isBareChallenge = (answer: Answer, value: unknown): boolean =>
  answer.status === 401 && isRecord(value) && Object.keys(value).length === 0

const shape = (answer: Answer): string | undefined => {
  if (!/^application\/json/.test(header(answer, "content-type") ?? "") || answer.body === "") return undefined
  let value: unknown
  try {
    value = JSON.parse(answer.body)
  } catch {
    return "a body that is not JSON, though it says so"
  }
  const credentials = ["access_token", "refresh_token", "client_secret"].filter(
    (name) => isRecord(value) && name in value
  )
  if (credentials.length > 0 && !/no-store/.test(header(answer, "cache-control") ?? ""))
    return `a cache may store the ${credentials[0]}`
  if (answer.status < 400 || isBareChallenge(answer, value)) return undefined
  return isRecord(value) && (isOAuthError(value) || isRpcError(value)) ? undefined : "an error of no known shape"
}

/**
 * An answer that is made before there is a request that could be routed: it has no date, and only that to large headers a body. 405 is
 * that to CONNECT, for which no method is allowed: its `Allow` is empty (RFC 9110 §10.2.1).
 */
const isOfParser = (answer: Answer): boolean =>
  header(answer, "date") === undefined &&
  (answer.status === 431 || (answer.body === "" && [400, 405, 408, 413, 417].includes(answer.status)))

/**
 * The promises that an answer breaks.
 *
 * @param path where the request went, without its query; `undefined` where the server may see it otherwise
 */
export const check = (answer: Answer, path: string | undefined): ReadonlyArray<Broken> => {
  const broken: Record<string, string | undefined> = { status: status(answer, path) }
  if (answer.status !== 0 && !isOfParser(answer)) {
    Object.assign(broken, {
      headers: headers(answer, path),
      reflection: reflection(answer, path),
      shape: shape(answer)
    })
  }
  return Object.entries(broken).flatMap(([oracle, detail]) => (detail === undefined ? [] : [{ oracle, detail }]))
}

/** Attempts at a request whose answer was slow. */
const attempts = 5

/**
 * Whether a request is slow to answer by itself: sent again while nothing else is, it is slow each time. An answer may be
 * late for no fault of the server's, on a machine that others use, too.
 *
 * @param again sends the request, and answers with the milliseconds that it took
 */
export const isAlwaysSlow = async (again: () => Promise<number>): Promise<boolean> => {
  for (let left = attempts; left > 0; left--) if ((await again()) <= slowest) return false
  return true
}

/** The value that so many percent of these do not exceed. */
export const percentile = (values: ReadonlyArray<number>, percent: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0
}
