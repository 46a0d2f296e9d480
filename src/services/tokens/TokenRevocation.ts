/** Token revocation (RFC 7009). */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AccessToken from "../../domain/AccessToken.js"
import type { Client } from "../../domain/Client.js"
import * as Grant from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import * as Time from "../../domain/Time.js"
import { Events } from "../events/Events.js"
import * as ServerClock from "../ServerClock.js"
import * as Spans from "../Spans.js"
import { GrantStore } from "../stores/GrantStore.js"
import { RevokedTokenStore } from "../stores/RevokedTokenStore.js"
import { AccessTokens } from "./AccessTokens.js"
import { RefreshChain } from "./RefreshChain.js"

export class TokenRevocation extends Context.Tag("latchkey/TokenRevocation")<
  TokenRevocation,
  {
    /**
     * Revokes a token of the client. A refresh token of any age revokes its grant, and with it every token of the grant
     * (RFC 7009 §2.1); an access token revokes only itself. A text that is no token, or another client's token, changes
     * nothing, and the client gets no error (§2.2). A token that has expired, or was revoked before, adds no row and no event.
     */
    readonly revoke: (token: Redacted.Redacted, client: Client) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const accessTokens = yield* AccessTokens
  const events = yield* Events
  const grants = yield* GrantStore
  const chains = yield* RefreshChain
  const revokedTokens = yield* RevokedTokenStore

  const refreshToken = Effect.fnUntraced(function* (token: RefreshToken.RefreshToken, client: Client) {
    const grant = yield* grants.find(token.grantId)
    if (Option.isNone(grant) || grant.value.terms.clientId !== client.id || !Grant.isRefreshable(grant.value)) return
    if (Option.isNone(yield* chains.recognise(token, grant.value.chain.value.key))) return
    const { clientId, id, subject } = grant.value.terms
    Spans.annotate({ grantId: id, subject, clientId })
    if (yield* grants.revoke(token.grantId, "TokenRevoked", yield* ServerClock.now)) {
      yield* events.publish({ _tag: "Revoked", grantId: id, subject, clientId, reason: "TokenRevoked" })
    }
  })

  /** Returns whether an access token is the client's and valid now; otherwise there is nothing to revoke. */
  const isActive = (claims: AccessToken.AccessTokenClaims, client: Client, now: DateTime.Utc) => {
    if (!Time.isBefore(now, claims.expiresAt)) return Effect.succeed(false)
    return AccessToken.isOfGrant(claims)
      ? Effect.map(
          grants.findActive(claims.grantId, now, Option.some(claims.id)),
          Option.exists(({ terms }) => terms.clientId === client.id)
        )
      : Effect.succeed(claims.clientId === client.id && claims.epoch === client.epoch)
  }

  const accessToken = Effect.fnUntraced(function* (token: Redacted.Redacted, client: Client) {
    const claims = yield* accessTokens.read(token)
    if (Option.isNone(claims) || !(yield* isActive(claims.value, client, yield* ServerClock.now))) return
    const ids = {
      clientId: client.id,
      ...(AccessToken.isOfGrant(claims.value) ? { grantId: claims.value.grantId } : {})
    }
    Spans.annotate(ids)
    const isNew = yield* revokedTokens.insert(claims.value.id, claims.value.expiresAt)
    if (isNew) yield* events.publish({ _tag: "TokenRevoked", ...ids })
  })

  return TokenRevocation.of({
    revoke: Spans.fn("TokenRevocation.revoke")(function* (token, client) {
      const refresh = RefreshToken.parse(Redacted.value(token))
      yield* Option.isSome(refresh) ? refreshToken(refresh.value, client) : accessToken(token, client)
    })
  })
})

export const layer = Layer.effect(TokenRevocation, make)
