/** Parses the Authorization header (RFC 9110 §11.6.2): the platform's decoders do not check the scheme. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidRequest } from "../../domain/OAuthError.js"

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
