/**
 * Fetches documents whose URLs strangers name: metadata documents of clients, and key sets. Every such request of the server
 * goes through this service, so that no URL makes the server connect to a network that only the server can reach (RFC 6890
 * special-use addresses; server-side request forgery).
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

/** Why a document could not be fetched. */
export type OutboundReason =
  /** The URL is no https URL, or has a user, a fragment or a port that is not allowed. */
  | "ForbiddenUrl"
  /** The operator allows other hosts only. */
  | "ForbiddenHost"
  /** The host has a special-use address (RFC 6890). */
  | "ForbiddenAddress"
  | "UnknownHost"
  | "Unreachable"
  /** The TLS certificate is not valid for the host. */
  | "Untrusted"
  | "Timeout"
  /** The server sent another status than 200. Redirects are not followed. */
  | "Status"
  | "TooLarge"
  /** Too many documents are being fetched at this time. */
  | "Busy"

/** A document could not be fetched. `detail` is for the operator's log and contains no query string. */
export class OutboundError extends Data.TaggedError("OutboundError")<{
  readonly reason: OutboundReason
  readonly detail: string
}> {}

/** A request for a document. */
export interface OutboundRequest {
  readonly url: URL
  /** Value of the Accept header. */
  readonly accept: string
  /** Maximum size of the body in bytes. */
  readonly maxBytes: number
}

/** A document that was fetched with status 200. Header names are lower case. */
export interface OutboundDocument {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

export class OutboundClient extends Context.Tag("latchkey/OutboundClient")<
  OutboundClient,
  {
    /**
     * Sends one GET request without credentials or cookies. Follows no redirect, uses no proxy of the environment, and connects
     * only to an address that was checked. Only status 200 is a success. Ends after a bounded time.
     */
    readonly get: (request: OutboundRequest) => Effect.Effect<OutboundDocument, OutboundError>
  }
>() {}
