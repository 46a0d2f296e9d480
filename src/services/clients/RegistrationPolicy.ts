/** Decides who may register a client: everyone, or those whom the operator admitted (RFC 7591 §3). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { Forbidden } from "../../domain/HttpError.js"
import type { InitialAccessToken } from "../../domain/InitialAccessToken.js"
import { MissingToken } from "../../domain/OAuthError.js"
import { ServerSettings } from "../ServerSettings.js"
import * as InitialAccessTokens from "./InitialAccessTokens.js"
import { type SoftwareStatement, SoftwareStatements } from "./SoftwareStatements.js"

/** What admits a registration. */
export interface Admission {
  /** The token that it uses; `None` if a stranger registers. */
  readonly token: Option.Option<InitialAccessToken>
  /** The verified statement of the client's software. */
  readonly statement: SoftwareStatement | undefined
}

/** It has no `Retry-After`: registration stays closed until the operator changes the setting. */
const closed = new Forbidden({
  reason: "RegistrationClosed",
  description: "clients cannot register themselves here; the operator of this server registers them"
})

const missing = new MissingToken({
  reason: "NoAuthorization",
  description: "a client registers here with an initial access token, which the operator of this server gives"
})

/**
 * Returns a function that admits a registration by the bearer token of its request and by its metadata. Where no token is
 * needed, a bearer token that is no initial access token is ignored, because some clients send another server's token.
 */
export const make = Effect.gen(function* () {
  const { registration } = yield* ServerSettings
  const tokens = yield* InitialAccessTokens.InitialAccessTokens
  const statements = yield* SoftwareStatements

  const byToken = (secret: Redacted.Redacted, metadata: unknown) =>
    Effect.flatMap(tokens.check(secret), (token) =>
      Effect.map(statements.verify(metadata), (statement): Admission => ({ token: Option.some(token), statement }))
    )

  const asStranger = (statement: SoftwareStatement | undefined): Admission => ({ token: Option.none(), statement })

  return (metadata: unknown, bearer: Option.Option<Redacted.Redacted>) => {
    if (registration === "Off") return closed
    const isTokenNeeded = registration === "Token"
    if (Option.isSome(bearer) && (isTokenNeeded || InitialAccessTokens.isOne(bearer.value))) {
      return byToken(bearer.value, metadata)
    }
    if (isTokenNeeded) return missing
    return Effect.map(
      registration === "Statement" ? statements.require(metadata) : statements.verify(metadata),
      asStranger
    )
  }
})
