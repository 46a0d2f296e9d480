/** An account as JSON, for the command line and the API. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Account, Subject } from "../../domain/Account.js"

export const AccountView = Schema.Struct({
  id: Subject,
  username: Schema.String,
  state: Schema.Literal("Enabled", "Disabled"),
  created_at: Schema.String,
  /** The end of a pause of its logins after too many wrong passwords; missing if there is no pause. */
  paused_until: Schema.optional(Schema.String)
}).annotations({ identifier: "Account", description: "A user who can log in." })
export type AccountView = typeof AccountView.Type

/** Renders an account. `pausedUntil` is the end of the pause of its logins (see `LoginThrottle.pauses`). */
export const fromAccount = (
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
