/** `latchkey user`: the accounts of users. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Username } from "../../domain/Account.js"
import * as AccountView from "../../http/views/AccountView.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import { LoginThrottle } from "../../services/accounts/LoginThrottle.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Database from "../settings/Database.js"
import * as Target from "../settings/Target.js"
import { impossible } from "../terminal/Failure.js"
import * as NewPassword from "../terminal/NewPassword.js"
import * as Output from "../terminal/Output.js"
import * as Change from "./Change.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const newName = Args.text({ name: "NAME" }).pipe(
  Args.withDescription("Username to log in with: 1 to 64 characters without spaces; upper and lower case are the same")
)

const name = Args.text({ name: "NAME" }).pipe(Args.withDescription("Username"))

const anyName = Args.text({ name: "NAME" }).pipe(
  Args.withDescription("Username; for a user of your own app, external: and the app's name for the user")
)

const passwordStdin = Options.boolean("password-stdin").pipe(
  Options.withDescription("Read the password from standard input instead of asking for it")
)

const nameTaken = (username: Username) => impossible(`there is an account ${username} already`)

export const create = Command.make(
  "create",
  { name: newName, passwordStdin, ...Target.forCommand },
  ({ name, passwordStdin, ...flags }) =>
    Effect.gen(function* () {
      const target = yield* Target.load(flags)
      const username = yield* Lookup.newUsername(name)
      yield* NewPassword.requireSource(passwordStdin)
      yield* Effect.gen(function* () {
        const accounts = yield* Accounts
        const store = yield* AccountStore
        if (Option.isSome(yield* store.findByUsername(username))) return yield* nameTaken(username)
        const password = yield* NewPassword.read(username, passwordStdin)
        if (Option.isNone(yield* accounts.create({ username, password }))) return yield* nameTaken(username)
        yield* Output.print(
          `The account ${username} is created, and can log in at ${target.issuer} (${Database.format(target.database)})`
        )
      }).pipe(WithServices.provide(target))
    })
).pipe(Command.withDescription("Create an account"))

const json = Options.boolean("json").pipe(Options.withDescription("Print JSON"))

export const list = Command.make("list", { json, ...Target.forCommand }, ({ json, ...flags }) =>
  WithServices.onExisting(flags, (target) =>
    Effect.gen(function* () {
      const all = Array.from(yield* Stream.runCollect(Lists.accounts))
      const pausedUntil = yield* (yield* LoginThrottle).pauses
      if (json) {
        const views = all.map((account) => AccountView.fromAccount(account, pausedUntil(account.username)))
        return yield* Output.print(Output.toJson(views))
      }
      if (all.length === 0) return yield* Output.complain(`there is no account yet at ${target.issuer}`)
      yield* Effect.forEach(all, ({ createdAt, state, username }) =>
        Output.print(
          [
            DateTime.formatIso(createdAt),
            Output.printable(username),
            ...(state === "Disabled" ? ["disabled"] : []),
            ...Option.match(pausedUntil(username), {
              onNone: () => [],
              onSome: (instant) => [`logins paused until ${Output.instant(instant)}`]
            })
          ].join("  ")
        )
      )
    })
  )
).pipe(
  Command.withDescription(
    "List the accounts, oldest first. It shows when each was created, its name, and until when its logins are paused"
  )
)

const findBy = (parse: (name: string) => ReturnType<typeof Lookup.username>) => (text: string) =>
  Effect.map(Effect.flatMap(parse(text), Lookup.account), ({ id, username }) => ({
    id,
    name: Output.printable(username)
  }))

const of = { argument: anyName, find: findBy(Lookup.accountName), missing: Lookup.noSuchAccount }

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
  argument: name,
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

export const setPassword = Command.make(
  "set-password",
  { name, passwordStdin, ...Target.forCommand },
  ({ name, passwordStdin, ...flags }) =>
    Effect.gen(function* () {
      const username = yield* Lookup.username(name)
      yield* NewPassword.requireSource(passwordStdin)
      yield* WithServices.onExisting(flags, () =>
        Effect.gen(function* () {
          const { id } = yield* Lookup.account(username)
          const password = yield* NewPassword.read(username, passwordStdin)
          if (Option.isNone(yield* (yield* Accounts).setPassword(id, password)))
            return yield* Lookup.noSuchAccount(username)
          yield* Output.print(`The account ${username} has a new password, and its tokens and sessions are revoked`)
        })
      )
    })
).pipe(Command.withDescription("Change the password of an account. All its tokens and sessions are revoked at once"))
