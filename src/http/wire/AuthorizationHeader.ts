/** Parses the Authorization header (RFC 9110 §11.6.2): the platform's decoders do not check the scheme. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidClient, InvalidRequest } from "../../domain/OAuthError.js"
import type { IdAndSecret } from "../../services/clients/ClientAuthenticator.js"

/** A request of any server, which has the header. */
export interface Carrier {
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The request of the underlying server. That of node:http has `rawHeaders`, the headers as they were sent. */
  readonly source: unknown
}

/**
 * Headers that may be sent once, with a bit for each. Node drops the second value of some of them, and joins the values of
 * others.
 */
const onlyOnce = new Map(["authorization", "host", "content-type", "dpop"].map((name, place) => [name, 1 << place]))

/** Fails when a header is repeated that may be sent once. */
export const refuseRepeated = (request: Carrier): Either.Either<void, InvalidRequest> => {
  const raw = (request.source as { readonly rawHeaders?: ReadonlyArray<string> } | undefined)?.rawHeaders ?? []
  let seen = 0
  for (let i = 0; i < raw.length; i += 2) {
    const bit = onlyOnce.get((raw[i] ?? "").toLowerCase()) ?? 0
    if ((seen & bit) !== 0) return Either.left(repeated)
    seen |= bit
  }
  return Either.void
}

const repeated = new InvalidRequest({
  reason: "RepeatedHeader",
  description: "a header is repeated that may be sent once"
})

const malformed = new InvalidRequest({
  reason: "MalformedAuthorization",
  description: "the Authorization header is malformed"
})

/** Returns the credentials of a scheme, in any case; `None` if the header is missing or has another scheme. */
const credentials = (request: Carrier, scheme: string): Option.Option<string> => {
  const [, found = "", rest = ""] =
    /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(.*))?$/.exec(request.headers.authorization ?? "") ?? []
  return found.toLowerCase() === scheme ? Option.some(rest) : Option.none()
}

/** Returns the access token of a request (RFC 6750 §2.1); `None` if the header has no bearer token. */
export const bearer = (request: Carrier): Either.Either<Option.Option<Redacted.Redacted>, InvalidRequest> =>
  Option.match(credentials(request, "bearer"), {
    onNone: () => Either.right(Option.none()),
    onSome: (token) =>
      /^[A-Za-z0-9._~+/-]+=*$/.test(token) ? Either.right(Option.some(Redacted.make(token))) : Either.left(malformed)
  })

/**
 * Returns the client id and secret of a request (RFC 6749 §2.3.1), both form-decoded and as they were sent if these differ:
 * some clients encode them and some do not, and the header does not say which.
 */
export const basic = (request: Carrier): Either.Either<Option.Option<ReadonlyArray<IdAndSecret>>, InvalidClient> =>
  Option.match(credentials(request, "basic"), {
    onNone: () => Either.right(Option.none()),
    onSome: (encoded) => {
      const text = decodeBase64(encoded)
      const colon = text.indexOf(":")
      if (colon < 1) {
        return Either.left(
          new InvalidClient({ reason: "MalformedCredentials", description: "client authentication failed" })
        )
      }
      const [clientId, secret] = [text.slice(0, colon), text.slice(colon + 1)]
      const raw = { clientId, secret: Redacted.make(secret) }
      const decoded = { clientId: formDecode(clientId), secret: formDecode(secret) }
      return Either.right(
        Option.some(
          decoded.clientId === clientId && decoded.secret === secret
            ? [raw]
            : [{ ...decoded, secret: Redacted.make(decoded.secret) }, raw]
        )
      )
    }
  })

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

/** Returns true if the request has an Authorization header that is not empty. */
export const isPresent = (request: Carrier): boolean => (request.headers.authorization ?? "").trim() !== ""
