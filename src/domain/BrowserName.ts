/**
 * The name of a browser, read from its `User-Agent` (RFC 9110 §10.1.5): "Firefox on Windows". Users recognise their logins
 * by it.
 *
 * The header is untrusted text. The name holds words of the tables below, or one short word of ASCII letters, digits and
 * hyphens, and no other character of the header. No library is used, because a name needs two words and no versions: the
 * widely used library is AGPL, and the others bring tables of thousands of rows (ADR 36).
 *
 * @example
 * import { Option } from "effect"
 * import * as BrowserName from "./BrowserName.js"
 *
 * const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"
 * BrowserName.read(firefox) // Option.some("Firefox on Windows")
 * BrowserName.read("curl/8.14.1") // Option.some("curl")
 */
import * as Option from "effect/Option"

type Table = ReadonlyArray<readonly [name: string, pattern: RegExp]>

/** Browsers; the first match counts. Chrome and Safari are last, because many other browsers also use these names. */
const browsers: Table = [
  ["Edge", /\b(?:Edg|EdgA|EdgiOS|Edge)\/\d/],
  ["Opera", /\b(?:OPR|OPT|OPiOS|OPX|Opera)\/\d/],
  ["Samsung Internet", /\bSamsungBrowser\/\d/],
  ["Vivaldi", /\bVivaldi\/\d/],
  ["DuckDuckGo", /\b(?:Ddg|DuckDuckGo)\/\d/],
  ["Yandex Browser", /\bYaBrowser\/\d/],
  ["Firefox", /\b(?:Firefox|FxiOS|Focus)\/\d/],
  ["Chrome", /\b(?:Chrome|CriOS|HeadlessChrome|Chromium)\/\d/],
  ["Safari", /\bVersion\/\d.*\bSafari\/\d/]
]

/** Systems; the first match counts. iOS calls itself "like Mac OS X", and Android and ChromeOS also name Linux. */
const systems: Table = [
  ["iPhone", /\b(?:iPhone|iPod)\b/],
  ["iPad", /\biPad\b/],
  ["Android", /\bAndroid\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Windows", /\bWindows\b/],
  ["macOS", /\b(?:Macintosh|Mac OS X)\b/],
  ["Linux", /\bLinux\b/]
]

/** The first product of a program that is not a browser, such as `curl/8.14.1`. Its name has at most 24 characters. */
const product = /^(?!Mozilla\/)([A-Za-z][A-Za-z0-9-]{0,23})(?:\/| |$)/

/** Maximum number of characters of a `User-Agent` that are read. Browsers send 80 to 250. */
const maxRead = 512

const find = (table: Table, text: string): string | undefined => table.find(([, pattern]) => pattern.test(text))?.[0]

/** Returns the browser or program of a `User-Agent`, with its system if known; `None` if neither is known. */
export const read = (userAgent: string | undefined): Option.Option<string> => {
  const text = (userAgent ?? "").slice(0, maxRead)
  const browser = find(browsers, text) ?? product.exec(text)?.[1]
  const system = find(systems, text)
  if (browser !== undefined) return Option.some(system === undefined ? browser : `${browser} on ${system}`)
  return Option.map(Option.fromNullable(system), (system) => `Unknown browser on ${system}`)
}
