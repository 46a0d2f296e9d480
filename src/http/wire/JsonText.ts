/** Reads JSON strictly (RFC 8259): no object may name a member twice, because parsers differ in the member that they use. */
import * as Effect from "effect/Effect"
import { InvalidClientMetadata } from "../../domain/OAuthError.js"

const refuse = (description: string) => new InvalidClientMetadata({ reason: "NotAnObject", description })

/** Returns the value of a JSON text. */
export const parse = (text: string): Effect.Effect<unknown, InvalidClientMetadata> =>
  Effect.try({ try: (): unknown => JSON.parse(text), catch: () => refuse("the body is not JSON") }).pipe(
    Effect.filterOrFail(
      () => !hasRepeatedMember(text),
      () => refuse("an object in the body names a member twice")
    )
  )

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
