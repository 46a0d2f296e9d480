/** The answer of the grants: a new access token, and the refresh token that is now the current one. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import type * as Grant from "../../domain/Grant.js"
import { InvalidGrant } from "../../domain/OAuthError.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import * as Scope from "../../domain/Scope.js"
import type { TokenResponse } from "../../domain/TokenResponse.js"
import { Resources } from "../resources/Resources.js"
import * as AccessTokens from "../tokens/AccessTokens.js"
import * as Narrowing from "./Narrowing.js"

/** An access token that its client has not been given yet, and what it is good for. */
export interface Prepared extends AccessTokens.Issued {
  readonly scope: Scope.Scope
}

/**
 * The access token for some of a grant's scope and resources, as far as the client may still ask for them. It writes
 * nothing, and it may fail: so it comes before the code or refresh token is spent.
 */
export const prepare = Effect.fnUntraced(function* (
  client: Client.Client,
  terms: Grant.Terms,
  granted: Scope.Scope,
  audience: AccessTokens.Audience
) {
  const scope = Client.allowedScope(client, granted)
  // The operator took all of it from the client since the person allowed it.
  if (Scope.isEmpty(scope) && !Scope.isEmpty(granted)) {
    return yield* new InvalidGrant({
      reason: "ScopeTaken",
      description: "the client may not ask for anything of this grant any more"
    })
  }
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
