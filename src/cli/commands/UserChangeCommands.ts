/** `latchkey user disable`, `enable`, `unlock` and `delete`. */
import * as Effect from "effect/Effect"
import { Accounts } from "../../services/accounts/Accounts.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Change from "./Change.js"
import * as Lookup from "./Lookup.js"
import * as UserOptions from "./UserOptions.js"

const findBy = (parse: (name: string) => ReturnType<typeof Lookup.username>) => (text: string) =>
  Effect.map(Effect.flatMap(parse(text), Lookup.account), ({ id, username }) => ({
    id,
    name: Output.printable(username)
  }))

const of = { argument: UserOptions.anyName, find: findBy(Lookup.accountName), missing: Lookup.noSuchAccount }

export const disable = Change.make({
  ...of,
  verb: "disable",
  description: "Disable an account. The user cannot log in, and all its tokens and sessions are revoked at once",
  apply: (id) => Effect.flatMap(Accounts, ({ disable }) => disable(id)),
  done: ["account", "is disabled: it cannot log in, and its tokens and sessions are revoked"]
})

export const enable = Change.make({
  ...of,
  verb: "enable",
  description: "Enable an account. Tokens and sessions from before it was disabled stay revoked",
  apply: (id) => Effect.flatMap(Accounts, ({ enable }) => enable(id)),
  done: ["account", "is enabled, and can log in again"]
})

export const unlock = Change.make({
  ...of,
  argument: UserOptions.name,
  find: findBy(Lookup.username),
  verb: "unlock",
  description:
    "End the pause of an account's logins after wrong passwords, for every network. The password stays the same",
  apply: (id) => Effect.flatMap(Accounts, ({ unlock }) => unlock(id)),
  done: ["account", "is unlocked: its logins are not paused any more, and its password stays the same"]
})

export const remove = Change.make({
  ...of,
  // A deletion that broke off has deleted the name: the id of the account continues it.
  find: (text) => Effect.map(Lookup.subject(text, "NAME"), (id) => ({ id, name: Output.printable(text) })),
  missing: (text) =>
    impossible(`${Lookup.noSuchAccount(text).message}; its tokens and sessions, if any were left, are revoked`),
  verb: "delete",
  description:
    "Delete an account. All its tokens and sessions are revoked at once. If a deletion broke off, give the id of the account to complete it",
  apply: (id) => Effect.flatMap(Accounts, ({ remove }) => remove(id)),
  done: ["account", "is deleted, and its tokens and sessions are revoked"]
})
