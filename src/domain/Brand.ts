/** What pages show of those who run the server: their name, logo, colours, and where their people get help. */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as DisplayText from "./DisplayText.js"

/** A brand, checked. What is missing is as the pages have it by themselves. */
export interface Brand {
  readonly name?: string | undefined
  /** A `data:` URI of an image. It is there only beside a name, which says what the image is. */
  readonly logo?: string | undefined
  /** The colour of buttons and links, as `#rgb` or `#rrggbb`. */
  readonly color?: string | undefined
  /** The same for the dark colour scheme. */
  readonly colorDark?: string | undefined
  /** An https or mailto URL. */
  readonly supportUrl?: string | undefined
}

/** Maximum length of a name, in characters: it stands in one line on a phone, and in the title of a tab. */
export const maxNameLength = 40

/** Maximum size of a logo, in bytes: every page holds all of it. */
export const maxLogoSize = 64 * 1024

/** What to give as a name, where `text` cannot be one. */
export const nameObjection = (text: string): string | undefined => {
  const length = Array.from(text).length
  if (length === 0 || length > maxNameLength || text.trim() !== text) {
    return `give a name of 1 to ${maxNameLength} characters, without spaces around it`
  }
  const hidden = DisplayText.objection(text)
  return hidden === undefined ? undefined : `the name ${hidden}: give one without it`
}

/** What to give as the address of the support, where `text` cannot be one. */
export const supportUrlObjection = (text: string): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPage = url?.protocol === "https:" && url.username === "" && url.password === ""
  const isMail = url?.protocol === "mailto:" && /^[^@\s]+@[^@\s]+$/.test(url.pathname)
  return isPage || isMail
    ? undefined
    : 'give an https URL, or "mailto:" and an address, such as mailto:help@example.com'
}

/** A logo as a `data:` URI; or what to give instead. Its type is told by its first bytes, not by the name of a file. */
export const logoUri = (bytes: Uint8Array): Either.Either<string, string> => {
  if (bytes.length > maxLogoSize) {
    return Either.left(`the image is larger than ${maxLogoSize} bytes: give a smaller one`)
  }
  return Either.map(mediaType(bytes), (type) => `data:${type};base64,${Encoding.encodeBase64(bytes)}`)
}

const startsWith = (bytes: Uint8Array, start: ReadonlyArray<number>, offset = 0): boolean =>
  start.every((byte, index) => bytes[offset + index] === byte)

const ascii = (text: string): ReadonlyArray<number> => Array.from(text, (character) => character.charCodeAt(0))

const mediaType = (bytes: Uint8Array): Either.Either<string, string> => {
  if (startsWith(bytes, [0x89, ...ascii("PNG\r\n"), 0x1a, 0x0a])) return Either.right("image/png")
  if (startsWith(bytes, ascii("RIFF")) && startsWith(bytes, ascii("WEBP"), 8)) return Either.right("image/webp")
  const text = new TextDecoder().decode(bytes)
  if (!/^<svg[\s/>]/.test(afterProlog(text))) return Either.left("the image is no PNG, SVG or WebP: give one of these")
  return text.includes("http://www.w3.org/2000/svg")
    ? Either.right("image/svg+xml")
    : Either.left('the SVG has no namespace, so browsers do not show it: add xmlns="http://www.w3.org/2000/svg" to it')
}

/** The end of what may stand before the first element of an XML document; `undefined` at the element itself. */
const endOf = (text: string): string | undefined => {
  if (text.startsWith("<?")) return "?>"
  if (text.startsWith("<!--")) return "-->"
  if (!text.startsWith("<!")) return undefined
  const declarations = text.indexOf("[")
  return declarations !== -1 && declarations < text.indexOf(">") ? "]>" : ">"
}

/** An XML document from its first element on (XML 1.0 §2.8); `""` where there is none. */
const afterProlog = (text: string): string => {
  let rest = text.trimStart()
  for (let end = endOf(rest); end !== undefined; end = endOf(rest)) {
    const at = rest.indexOf(end)
    if (at === -1) return ""
    rest = rest.slice(at + end.length).trimStart()
  }
  return rest
}
