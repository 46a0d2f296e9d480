/**
 * Client ids that are the URLs of client ID metadata documents (draft-ietf-oauth-client-id-metadata-document-01 §3): a client
 * without a registration names the document that describes it.
 */
import * as Option from "effect/Option"
import type * as Client from "./Client.js"
import { isLoopback } from "./Loopback.js"
import * as Url from "./Url.js"

/** Whether a client id has the form of a URL. This server gives no such id to a client that it registers. */
export const isUrl = (id: string): boolean => /^https?:/i.test(id)

/**
 * Returns the URL of a client id; `None` if the rules of §3 forbid it: https, a path, no dot segments, no fragment and no
 * user. The text must be in the normal form of URLs, so that a document has one client id only.
 *
 * `allowLoopback` also allows http on a loopback host, for a server that runs on loopback itself.
 */
export const parse = (id: Client.ClientId, allowLoopback: boolean): Option.Option<URL> => {
  const url = Url.parse(id)
  if (url === undefined || url.href !== id || url.pathname === "/" || url.hash !== "") return Option.none()
  if (url.username !== "" || url.password !== "" || id.includes("#")) return Option.none()
  const isSecure = url.protocol === "https:" || (url.protocol === "http:" && allowLoopback && isLoopback(url))
  return isSecure ? Option.some(url) : Option.none()
}

/** Whether an operator can approve or disable a client id as the URL of a metadata document. */
export const isDocument = (id: Client.ClientId): boolean => Option.isSome(parse(id, true))

/** Returns the host of a client id that is a URL, as pages show it; `undefined` for every other id. */
export const host = (id: Client.ClientId): string | undefined => (isUrl(id) ? Url.parse(id)?.host : undefined)

/** Returns a client id without its query, for logs. */
export const withoutQuery = (id: Client.ClientId): string => id.split("?")[0] ?? id
