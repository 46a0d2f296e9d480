/** Shortens names that clients choose, so that a long name does not move the decision off the screen. */

/**
 * Maximum length of an app's name in characters (grapheme clusters): two lines on a phone of 360 pixels. The names of the
 * known MCP clients are shorter.
 */
export const maxName = 48

/**
 * Maximum length of a cluster that counts as one character, in UTF-16 units. Languages need fewer. A longer cluster is a
 * stack of letters that no font joins, and counts by its code points.
 */
const maxCluster = 16

/**
 * Maximum length of a host or a scheme in characters. A registered domain fits: a label has at most 63 characters
 * (RFC 1035 §2.3.4), and the longest public suffixes have about 60.
 */
export const maxHost = 128

const ellipsis = "…"

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" })

const characters = (text: string): ReadonlyArray<string> =>
  Array.from(segmenter.segment(text)).flatMap(({ segment }) =>
    segment.length <= maxCluster ? [segment] : Array.from(segment)
  )

/** Cuts a name at its end to at most `maxName` characters. */
export const name = (text: string): string => {
  if (text.length <= maxName) return text
  const all = characters(text)
  return all.length <= maxName
    ? text
    : `${all
        .slice(0, maxName - ellipsis.length)
        .join("")
        .trimEnd()}${ellipsis}`
}

/**
 * Cuts a host at its front, between labels: its end says who owns it. The dot before the first whole label stays, so that
 * the label cannot be read as the end of another one.
 */
export const host = (text: string): string => {
  if (text.length <= maxHost) return text
  const end = text.slice(ellipsis.length - maxHost)
  const dot = end.indexOf(".")
  // A DNS label is never that long, so this is no real host.
  return ellipsis + (dot === -1 || dot > 63 ? end : end.slice(dot))
}

/** Cuts a private-use scheme at its end, between labels: it is a reversed domain name (RFC 8252 §7.1). */
export const scheme = (text: string): string => {
  if (text.length <= maxHost) return text
  const start = text.slice(0, maxHost - ellipsis.length)
  const dot = start.lastIndexOf(".")
  return (dot < start.length - 64 ? start : start.slice(0, dot + 1)) + ellipsis
}
