/** An account as JSON has it: what the command line prints, and what the API answers. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import { type Account, Subject } from "../Account.js"

export const AccountView = Schema.Struct({
  id: Subject,
  username: Schema.String,
  state: Schema.Literal("Enabled", "Disabled"),
  created_at: Schema.String
}).annotations({ identifier: "Account", description: "Somebody who can log in." })
export type AccountView = typeof AccountView.Type

export const of = ({ createdAt, id, state, username }: Account): AccountView => ({
  id,
  username,
  state,
  created_at: DateTime.formatIso(createdAt)
})
