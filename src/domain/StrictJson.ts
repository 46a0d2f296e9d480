/** Reads JSON strictly (RFC 8259): no object may name a member twice, because parsers differ in the member that they use. */
import * as Either from "effect/Either"

/** Why a text is refused. */
export type Mistake = "NotJson" | "RepeatedMember"

/** Returns the value of a JSON text. */
export const parse = (text: string): Either.Either<unknown, Mistake> =>
  Either.try({ try: (): unknown => JSON.parse(text), catch: (): Mistake => "NotJson" }).pipe(
    Either.filterOrLeft(
      () => !hasRepeatedMember(text),
      (): Mistake => "RepeatedMember"
    )
  )

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Returns the value of a JSON text in UTF-8. A text that begins with a byte order mark is not JSON (§8.1). */
export const parseBytes = (bytes: Uint8Array): Either.Either<unknown, Mistake> =>
  Either.try({ try: () => utf8.decode(bytes), catch: (): Mistake => "NotJson" }).pipe(Either.flatMap(parse))

const token = /"(?:[^"\\]|\\.)*"|[{}[\],]/g

/** Returns true if an object of a valid JSON text names a member twice. */
const hasRepeatedMember = (text: string): boolean => {
  const open: Array<Set<string> | undefined> = []
  let names: Set<string> | undefined
  let atName = false
  for (const [part] of text.matchAll(token)) {
    if (part === "{" || part === "[") {
      open.push(names)
      names = part === "{" ? new Set() : undefined
      atName = part === "{"
    } else if (part === "}" || part === "]") {
      names = open.pop()
      atName = false
    } else if (part === ",") {
      atName = names !== undefined
    } else if (atName && names !== undefined) {
      const name = String(JSON.parse(part))
      if (names.has(name)) return true
      names.add(name)
      atName = false
    }
  }
  return false
}
