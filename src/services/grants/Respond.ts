/** The answer of the grants: a new access token, and the refresh token that is now the current one. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Grant from "../../domain/Grant.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import type * as Scope from "../../domain/Scope.js"
import type { TokenResponse } from "../../domain/TokenResponse.js"
import * as AccessTokens from "../AccessTokens.js"
import { Resources } from "../Resources.js"
import * as Narrowing from "./Narrowing.js"

/** An access token that its client has not been given yet, and what it is good for. */
export interface Prepared extends AccessTokens.Issued {
  readonly scope: Scope.Scope
}

/**
 * The access token for some of a grant's scope and resources. It writes nothing, and it may fail: so it comes before
 * the code or refresh token is spent.
 */
export const prepare = Effect.fnUntraced(function* (
  terms: Grant.Terms,
  scope: Scope.Scope,
  audience: AccessTokens.Audience
) {
  const tokens = yield* AccessTokens.AccessTokens
  const resources = yield* Resources
  const effective = yield* Narrowing.scopeAt(scope, terms, yield* resources.all, audience)
  const prepared: Prepared = { ...(yield* tokens.issue(terms, effective, audience)), scope: effective }
  return prepared
})

/** Puts the answer together (RFC 6749 §5.1). */
export const respond = (
  { expiresIn, scope, token }: Prepared,
  refreshToken: Option.Option<RefreshToken.RefreshToken>
): TokenResponse => ({
  accessToken: token,
  expiresIn,
  scope,
  refreshToken: Option.map(refreshToken, RefreshToken.format)
})
