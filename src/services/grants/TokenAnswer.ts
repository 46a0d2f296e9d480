/** The response of the token endpoint: a new access token, and the refresh token that is current now (RFC 6749 §5.1). */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Client from "../../domain/Client.js"
import type * as Grant from "../../domain/Grant.js"
import { InvalidGrant } from "../../domain/OAuthError.js"
import type * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import type * as Scope from "../../domain/Scope.js"
import type { TokenResponse } from "../../domain/TokenResponse.js"
import type * as AccessTokens from "../tokens/AccessTokens.js"
import * as Narrowing from "./Narrowing.js"

/** An access token, and the scope that it carries. */
export interface IssuedAccessToken extends AccessTokens.Issued {
  readonly scope: Scope.Scope
}

/** The part of a grant that an access token is for. */
export interface AccessTokenRequest {
  readonly client: Client.Client
  readonly terms: Grant.Terms
  /** A part of the granted scope. */
  readonly scope: Scope.Scope
  /** Some of the granted resources. */
  readonly audience: AccessTokens.Audience
  /** All resources of the server. */
  readonly known: ReadonlyArray<Resource.Resource>
}

/**
 * Issues the access token for a part of a grant, as far as the client may still request it. It writes nothing and may
 * fail, so it comes before the code or refresh token is spent.
 */
export const issueAccessToken = Effect.fnUntraced(function* (
  tokens: Context.Tag.Service<AccessTokens.AccessTokens>,
  { audience, client, known, scope, terms }: AccessTokenRequest
) {
  if (Narrowing.isRemoved(scope, terms, client, known)) {
    return yield* new InvalidGrant({
      reason: "ScopeTaken",
      description: "the client may no longer use any scope of this grant"
    })
  }
  const effective = yield* Narrowing.scopeAt(scope, terms, client, known, audience)
  const { expiresIn, token } = yield* tokens.issue(terms, effective)
  return { expiresIn, token, scope: ResourceScopes.scope(effective) } satisfies IssuedAccessToken
})

/** Assembles the token response (RFC 6749 §5.1). */
export const tokenResponse = (
  { expiresIn, scope, token }: IssuedAccessToken,
  refreshToken: Option.Option<Redacted.Redacted>
): TokenResponse => ({
  accessToken: token,
  expiresIn,
  scope,
  refreshToken
})
