/** How long a fetched document may be used, by its HTTP headers (RFC 9111 §4.2) and within bounds of our own. */
import * as Duration from "effect/Duration"
import type { OutboundDocument } from "./OutboundClient.js"

/** Bounds of a lifetime. */
export interface Bounds {
  readonly min: Duration.Duration
  readonly max: Duration.Duration
  /** Lifetime of a document whose headers name none. */
  readonly standard: Duration.Duration
}

/** Returns the value of a directive of Cache-Control in seconds; `undefined` if there is no such number. */
const seconds = (directives: ReadonlyArray<string>, name: string): number | undefined => {
  const value = directives.find((directive) => directive.startsWith(`${name}=`))?.slice(name.length + 1)
  return value !== undefined && /^"?[0-9]{1,10}"?$/.test(value) ? Number(value.replaceAll('"', "")) : undefined
}

/**
 * Returns the lifetime of a document from the moment of its response. `no-store`, `no-cache` and an age beyond `max-age` give
 * the shortest one. `Expires` is not read: it needs the clock of the other server.
 */
export const lifetime = ({ headers }: Pick<OutboundDocument, "headers">, { max, min, standard }: Bounds) => {
  const directives = (headers["cache-control"] ?? "")
    .toLowerCase()
    .split(",")
    .map((directive) => directive.trim())
  if (directives.includes("no-store") || directives.includes("no-cache")) return min
  const maxAge = seconds(directives, "max-age")
  if (maxAge === undefined) return standard
  const age = /^[0-9]{1,10}$/.test(headers.age ?? "") ? Number(headers.age) : 0
  return Duration.clamp(Duration.seconds(maxAge - age), { minimum: min, maximum: max })
}
