/** An account as JSON has it: what the command line prints, and what the API answers. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Account, Subject } from "../../domain/Account.js"

export const AccountView = Schema.Struct({
  id: Subject,
  username: Schema.String,
  state: Schema.Literal("Enabled", "Disabled"),
  created_at: Schema.String,
  /** When the pause of its logins ends, which too many wrong passwords began; missing where there is none. */
  paused_until: Schema.optional(Schema.String)
}).annotations({ identifier: "Account", description: "Somebody who can log in." })
export type AccountView = typeof AccountView.Type

/** An account; `pausedUntil` is the end of the pause of its logins (see `LoginThrottle.pauses`). */
export const of = (
  { createdAt, id, state, username }: Account,
  pausedUntil: Option.Option<DateTime.Utc> = Option.none()
): AccountView => ({
  id,
  username,
  state,
  created_at: DateTime.formatIso(createdAt),
  ...Option.match(pausedUntil, {
    onNone: () => ({}),
    onSome: (instant) => ({ paused_until: DateTime.formatIso(instant) })
  })
})
