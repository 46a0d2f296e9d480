/**
 * Initial access tokens (RFC 7591 §3): the operator creates, lists and revokes them, and registration counts their uses.
 *
 * @example
 * import { Duration, Effect } from "effect"
 * import { InitialAccessTokens } from "latchkey/InitialAccessTokens"
 *
 * // A token with which a partner registers one client within a week.
 * export const invite = Effect.flatMap(InitialAccessTokens, (tokens) =>
 *   tokens.create({ label: "Partner", lifetime: Duration.days(7), maxUses: 1 })
 * )
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as InitialAccessToken from "../../domain/InitialAccessToken.js"
import { InvalidToken, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { Events } from "../events/Events.js"
import { digest, identifier, randomSecret } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import { InitialAccessTokenStore } from "../stores/InitialAccessTokenStore.js"

/** The properties of a new token. Without a lifetime it does not expire, and without `maxUses` it may be used any number of times. */
export interface NewInitialAccessToken {
  /** A text by which the operator recognises the token. */
  readonly label?: string | undefined
  readonly lifetime?: Duration.Duration | undefined
  /** Maximum number of registrations: a whole number, 1 or more. */
  readonly maxUses?: number | undefined
}

/** A new token and its secret, which is shown only now. */
export interface Created {
  readonly token: InitialAccessToken.InitialAccessToken
  readonly secret: Redacted.Redacted
}

export class InitialAccessTokens extends Context.Tag("latchkey/InitialAccessTokens")<
  InitialAccessTokens,
  {
    readonly create: (token: NewInitialAccessToken) => Effect.Effect<Created, TemporarilyUnavailable>
    /** Returns a page of the tokens, the oldest first. */
    readonly list: InitialAccessTokenStore["Type"]["list"]
    /** Revokes a token. Clients that registered with it stay. `false` if there is no such token. */
    readonly revoke: (id: InitialAccessToken.InitialAccessTokenId) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Returns the token that a client presented, if it may register with it. Does not count a use. */
    readonly check: (
      secret: Redacted.Redacted
    ) => Effect.Effect<InitialAccessToken.InitialAccessToken, InvalidToken | TemporarilyUnavailable>
    /** Counts one use. At most as many concurrent callers succeed as the token has uses left. */
    readonly spend: (
      token: InitialAccessToken.InitialAccessToken
    ) => Effect.Effect<void, InvalidToken | TemporarilyUnavailable>
  }
>() {}

const prefix = "lk_ia_"

/** Whether a bearer token has the form of an initial access token. */
export const isOne = (secret: Redacted.Redacted): boolean => Redacted.value(secret).startsWith(prefix)

const refuse = (reason: "Unknown" | "Expired" | "UsedUp") =>
  new InvalidToken({
    reason,
    description: "the initial access token is not valid, or not any more; the operator of this server gives new ones"
  })

const make = Effect.gen(function* () {
  const store = yield* InitialAccessTokenStore
  const events = yield* Events

  const publish = (initialAccessTokenId: InitialAccessToken.InitialAccessTokenId, change: "Created" | "Revoked") =>
    events.publish({ _tag: "InitialAccessTokenChanged", initialAccessTokenId, change })

  return InitialAccessTokens.of({
    create: Effect.fn("InitialAccessTokens.create")(function* ({ label, lifetime, maxUses }) {
      const createdAt = yield* DateTime.now
      const secret = yield* randomSecret(prefix)
      const token: InitialAccessToken.InitialAccessToken = {
        id: InitialAccessToken.InitialAccessTokenId.make(yield* identifier),
        label: Option.fromNullable(label),
        createdAt,
        expiresAt: Option.map(Option.fromNullable(lifetime), (lifetime) => DateTime.addDuration(createdAt, lifetime)),
        maxUses: Option.fromNullable(maxUses),
        uses: 0,
        usedAt: Option.none()
      }
      yield* store.insert(token, digest(secret))
      yield* publish(token.id, "Created")
      return { token, secret }
    }),
    list: store.list,
    revoke: Effect.fn("InitialAccessTokens.revoke")(function* (id) {
      const isRevoked = yield* store.remove(id)
      if (isRevoked) yield* publish(id, "Revoked")
      return isRevoked
    }),
    check: Spans.fn("InitialAccessTokens.check")(function* (secret) {
      if (!isOne(secret)) return yield* refuse("Unknown")
      const found = yield* store.find(digest(secret))
      if (Option.isNone(found)) return yield* refuse("Unknown")
      const standing = InitialAccessToken.standing(found.value, yield* DateTime.now)
      return standing === "Valid" ? found.value : yield* refuse(standing)
    }),
    spend: Spans.fn("InitialAccessTokens.spend")(function* ({ id }) {
      if (!(yield* store.spend(id, yield* DateTime.now))) return yield* refuse("UsedUp")
    })
  })
})

export const layer = Layer.effect(InitialAccessTokens, make)
