/** The answer to a successful token request (RFC 6749 §5.1). */
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Scope } from "./Scope.js"

export interface TokenResponse {
  readonly accessToken: Redacted.Redacted
  /** Lifetime of the access token from now, in whole seconds. */
  readonly expiresIn: number
  /** Scope of the access token. */
  readonly scope: Scope
  readonly refreshToken: Option.Option<Redacted.Redacted>
}
