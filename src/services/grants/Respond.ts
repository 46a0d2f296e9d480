/** The answer of the grants: a new access token, and the refresh token that is now the current one. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Grant from "../../domain/Grant.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import type * as Scope from "../../domain/Scope.js"
import * as Time from "../../domain/Time.js"
import type { TokenResponse } from "../../domain/TokenResponse.js"
import { AccessTokens, type Audience } from "../AccessTokens.js"
import { Resources } from "../Resources.js"
import * as Narrowing from "./Narrowing.js"

/** Issues an access token for some of a grant's scope and resources, and puts the answer together. */
export const respond = Effect.fnUntraced(function* (
  grant: Grant.Active,
  scope: Scope.Scope,
  audience: Audience,
  refreshToken: Option.Option<RefreshToken.RefreshToken>
) {
  const tokens = yield* AccessTokens
  const resources = yield* Resources
  const effective = Narrowing.scopeAt(scope, yield* resources.all, audience)
  const { expiresAt, token } = yield* tokens.issue(grant, effective, audience)
  const response: TokenResponse = {
    accessToken: token,
    expiresIn: Time.secondsUntil(yield* DateTime.now, expiresAt),
    scope: effective,
    refreshToken: Option.map(refreshToken, RefreshToken.format)
  }
  return response
})
