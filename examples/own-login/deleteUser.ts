/** Deletes a user of the app, and everything that the authorization server issued for this user. */
import { Effect } from "effect"
import { Subject } from "latchkey/Account"
import { Accounts } from "latchkey/Accounts"
import { sessions, users } from "./app.js" // your own sessions and users

export const deleteUser = Effect.fnUntraced(function* (id: string) {
  for (const [name, user] of users) if (user.id === id) users.delete(name)
  for (const [sessionId, { subject }] of sessions) if (subject === id) sessions.delete(sessionId)
  yield* (yield* Accounts).remove(Subject.make(id))
})
