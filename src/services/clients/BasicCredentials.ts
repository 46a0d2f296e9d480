/** Client credentials in the Authorization header (RFC 6749 §2.3.1, RFC 7617 §2). */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { InvalidClient } from "../../domain/OAuthError.js"
import { refuse } from "../AuthMethods.js"

/** An id and a secret: one reading of a header or a body. */
export interface IdAndSecret {
  readonly clientId: string
  readonly secret: Redacted.Redacted
}

/**
 * Returns the client id and secret of a header, both form-decoded and as they were sent if these differ: some clients encode
 * them and some do not, and the header does not say which. `undefined` if the header has another scheme.
 */
export const read = (header: string): Either.Either<ReadonlyArray<IdAndSecret> | undefined, InvalidClient> => {
  const [basic, encoded = ""] = /^basic(?: +(.*))?$/i.exec(header) ?? []
  if (basic === undefined) return Either.right(undefined)
  const text = decodeBase64(encoded)
  const colon = text.indexOf(":")
  if (colon < 1) return Either.left(refuse("MalformedCredentials"))
  const [clientId, secret] = [text.slice(0, colon), text.slice(colon + 1)]
  const raw = { clientId, secret: Redacted.make(secret) }
  const decoded = { clientId: formDecode(clientId), secret: formDecode(secret) }
  return Either.right(
    decoded.clientId === clientId && decoded.secret === secret
      ? [raw]
      : [{ ...decoded, secret: Redacted.make(decoded.secret) }, raw]
  )
}

/** Returns the text of standard base64 (RFC 4648 §4); `""` for any other text. */
const decodeBase64 = (encoded: string): string =>
  encoded.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(encoded) ? Buffer.from(encoded, "base64").toString() : ""

const formDecode = (text: string): string => {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "))
  } catch {
    return text
  }
}
