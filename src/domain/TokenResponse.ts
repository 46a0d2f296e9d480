/** The answer to a successful token request (RFC 6749 §5.1). */
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Scope } from "./Scope.js"

export interface TokenResponse {
  readonly accessToken: Redacted.Redacted
  /** Whole seconds from now to the end of the access token. */
  readonly expiresIn: number
  /** What the access token is good for. */
  readonly scope: Scope
  readonly refreshToken: Option.Option<Redacted.Redacted>
}
