/** Shortens what strangers name, so that no name, however long, moves the decision off the screen. */

/**
 * Maximum length of an app's name, in characters as people count them (grapheme clusters): two lines on a phone of 360
 * pixels, and more than the names of the known MCP clients have.
 */
export const maxName = 48

/**
 * Maximum length of a cluster that counts as one character, in UTF-16 units. Languages need fewer; a longer cluster is
 * a stack of letters that no font joins, and counts by its code points.
 */
const maxCluster = 16

/**
 * Maximum length of a host or a scheme, in characters. The part that somebody registered fits: a label has at most 63
 * (RFC 1035 §2.3.4), and the longest public suffixes about 60.
 */
export const maxHost = 128

const ellipsis = "…"

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" })

const characters = (text: string): ReadonlyArray<string> =>
  Array.from(segmenter.segment(text)).flatMap(({ segment }) =>
    segment.length <= maxCluster ? [segment] : Array.from(segment)
  )

/** A name, cut at its end between characters, at most `maxName` of them. */
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
 * A host, cut at its front between labels: the end says whose it is. The dot before the first whole label stays, so
 * that it cannot be read as the end of another label.
 */
export const host = (text: string): string => {
  if (text.length <= maxHost) return text
  const end = text.slice(ellipsis.length - maxHost)
  const dot = end.indexOf(".")
  // No label of DNS is that long: there is no host to recognise.
  return ellipsis + (dot === -1 || dot > 63 ? end : end.slice(dot))
}

/** A private-use scheme, cut at its end between labels: it is a reversed domain name (RFC 8252 §7.1). */
export const scheme = (text: string): string => {
  if (text.length <= maxHost) return text
  const start = text.slice(0, maxHost - ellipsis.length)
  const dot = start.lastIndexOf(".")
  return (dot < start.length - 64 ? start : start.slice(0, dot + 1)) + ellipsis
}
