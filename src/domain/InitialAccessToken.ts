/**
 * Initial access tokens (RFC 7591 §3): the operator gives one to the developer of clients, and the clients that present it may
 * register.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** The id of an initial access token. It is no secret: events and commands name the token by it. */
export const InitialAccessTokenId = Schema.String.pipe(
  Schema.pattern(/^[0-9a-z]{26}$/),
  Schema.brand("InitialAccessTokenId")
)
export type InitialAccessTokenId = typeof InitialAccessTokenId.Type

/** An initial access token. Only the digest of its secret is stored. */
export interface InitialAccessToken {
  readonly id: InitialAccessTokenId
  /** A text by which the operator recognises it. */
  readonly label: Option.Option<string>
  readonly createdAt: DateTime.Utc
  /** Time at which it expires; `None` is never. */
  readonly expiresAt: Option.Option<DateTime.Utc>
  /** Maximum number of registrations; `None` is any number. */
  readonly maxUses: Option.Option<number>
  /** Number of registrations until now. */
  readonly uses: number
  /** Time of the last registration. */
  readonly usedAt: Option.Option<DateTime.Utc>
}

/** Whether a token may be used, and if not, why not. */
export type Standing = "Valid" | "Expired" | "UsedUp"

/** Returns the standing of a token at an instant. */
export const standing = (self: InitialAccessToken, now: DateTime.Utc): Standing => {
  if (Option.exists(self.maxUses, (maxUses) => self.uses >= maxUses)) return "UsedUp"
  return Option.exists(self.expiresAt, DateTime.lessThanOrEqualTo(now)) ? "Expired" : "Valid"
}

/** Returns the time at which a token ended: its last use if it is used up, else its expiry. `None` if it has no end. */
export const endOf = (self: InitialAccessToken): Option.Option<DateTime.Utc> =>
  Option.exists(self.maxUses, (maxUses) => self.uses >= maxUses) ? self.usedAt : self.expiresAt
