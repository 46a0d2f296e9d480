/** The operator's brand on the pages: name, logo, colours, and an address where users get help. */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as DisplayText from "./DisplayText.js"
import * as Url from "./Url.js"

/** A checked brand. For a missing member the pages use their default. */
export interface Brand {
  readonly name?: string | undefined
  /** A `data:` URI of an image. A brand with a logo also has a name, which describes the image. */
  readonly logo?: string | undefined
  /** The colour of buttons and links, as `#rgb` or `#rrggbb`. */
  readonly color?: string | undefined
  /** The same for the dark colour scheme. */
  readonly colorDark?: string | undefined
  /** An https or mailto URL. */
  readonly supportUrl?: string | undefined
}

/** Maximum length of a name, in characters: it must fit on one line of a phone, and in the title of a tab. */
export const maxNameLength = 40

/** Maximum size of a logo, in bytes: every page contains the whole logo. */
export const maxLogoSize = 64 * 1024

/** Returns an instruction for the operator if `text` cannot be a name; else `undefined`. */
export const nameObjection = (text: string): string | undefined => {
  const length = Array.from(text).length
  if (length === 0 || length > maxNameLength || text.trim() !== text) {
    return `give a name of 1 to ${maxNameLength} characters, without spaces around it`
  }
  const hidden = DisplayText.objection(text)
  return hidden === undefined ? undefined : `the name ${hidden}: give one without it`
}

/** Returns an instruction for the operator if `text` cannot be the address of the support; else `undefined`. */
export const supportUrlObjection = (text: string): string | undefined => {
  const url = Url.parse(text)
  const isPage = url?.protocol === "https:" && url.username === "" && url.password === ""
  const isMail = url?.protocol === "mailto:" && /^[^@\s]+@[^@\s]+$/.test(url.pathname)
  return isPage || isMail
    ? undefined
    : 'give an https URL, or "mailto:" and an address, such as mailto:help@example.com'
}

/** Returns a logo as a `data:` URI, or an instruction for the operator. The first bytes decide the type, not a file name. */
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

/** Returns the text that ends the declaration or comment at the start of an XML document; `undefined` at its first element. */
const endOf = (text: string): string | undefined => {
  if (text.startsWith("<?")) return "?>"
  if (text.startsWith("<!--")) return "-->"
  if (!text.startsWith("<!")) return undefined
  const declarations = text.indexOf("[")
  return declarations !== -1 && declarations < text.indexOf(">") ? "]>" : ">"
}

/** Returns an XML document from its first element on (XML 1.0 §2.8); `""` if it has no element. */
const afterProlog = (text: string): string => {
  let rest = text.trimStart()
  for (let end = endOf(rest); end !== undefined; end = endOf(rest)) {
    const at = rest.indexOf(end)
    if (at === -1) return ""
    rest = rest.slice(at + end.length).trimStart()
  }
  return rest
}
