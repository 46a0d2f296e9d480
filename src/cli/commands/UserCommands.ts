/** `latchkey user`: who can log in. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Subject, Username } from "../../domain/Account.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as AccountView from "../../http/views/AccountView.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import { LoginThrottle } from "../../services/accounts/LoginThrottle.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Database from "../settings/Database.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import { type Failure, impossible } from "../terminal/Failure.js"
import * as NewPassword from "../terminal/NewPassword.js"
import * as Output from "../terminal/Output.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

const newName = Args.text({ name: "NAME" }).pipe(
  Args.withDescription("What the person logs in with: 1 to 64 characters without spaces; capitals make no difference.")
)

const name = Args.text({ name: "NAME" }).pipe(Args.withDescription("What the person logs in with."))

const anyName = Args.text({ name: "NAME" }).pipe(
  Args.withDescription(
    "What the person logs in with; for a person of an app's own, external: and the app's name for them."
  )
)

const passwordStdin = Options.boolean("password-stdin").pipe(
  Options.withDescription("Reads the password from standard input instead of asking for it.")
)

const nameTaken = (username: Username) => impossible(`there is an account ${username} already`)

export const create = Command.make(
  "create",
  { name: newName, passwordStdin, ...ServerOptions.forCommand },
  ({ name, passwordStdin, ...given }) =>
    Effect.gen(function* () {
      const place = yield* ServerOptions.read(given)
      const username = yield* Lookup.newUsername(name)
      yield* NewPassword.requireSource(passwordStdin)
      yield* Effect.gen(function* () {
        const accounts = yield* Accounts
        const store = yield* AccountStore
        if (Option.isSome(yield* store.findByUsername(username))) return yield* nameTaken(username)
        const password = yield* NewPassword.read(username, passwordStdin)
        if (Option.isNone(yield* accounts.create({ username, password }))) return yield* nameTaken(username)
        yield* Output.print(
          `The account ${username} is made, and can log in at ${place.issuer} (${Database.format(place.database)})`
        )
      }).pipe(WithServices.provide(place))
    })
).pipe(Command.withDescription("Makes an account. It works beside a running server."))

const json = Options.boolean("json").pipe(Options.withDescription("Prints them as JSON."))

export const list = Command.make("list", { json, ...ServerOptions.forCommand }, ({ json, ...given }) =>
  WithServices.onExisting(given, (place) =>
    Effect.gen(function* () {
      const all = Array.from(yield* Stream.runCollect(Lists.accounts))
      const pausedUntil = yield* (yield* LoginThrottle).pauses
      if (json) {
        const views = all.map((account) => AccountView.fromAccount(account, pausedUntil(account.username)))
        return yield* Output.print(Output.toJson(views))
      }
      if (all.length === 0) return yield* Output.complain(`there is no account yet that can log in at ${place.issuer}`)
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
    "Lists the accounts, the oldest first: the time they were made, their names, and the end of a pause of their logins."
  )
)

/** A command that does one thing to an account, and says so. */
const change = (
  verb: string,
  description: string,
  apply: (accounts: Context.Tag.Service<Accounts>) => (id: Subject) => Effect.Effect<boolean, TemporarilyUnavailable>,
  done: string,
  of: { readonly argument: Args.Args<string>; readonly read: (name: string) => Effect.Effect<Username, Failure> } = {
    argument: anyName,
    read: Lookup.accountName
  }
) =>
  Command.make(verb, { name: of.argument, ...ServerOptions.forCommand }, ({ name, ...given }) =>
    Effect.gen(function* () {
      const username = yield* of.read(name)
      yield* WithServices.onExisting(given, () =>
        Effect.gen(function* () {
          const { id } = yield* Lookup.account(username)
          // Somebody else may have been faster.
          if (!(yield* apply(yield* Accounts)(id))) return yield* Lookup.noSuchAccount(username)
          yield* Output.print(`The account ${Output.printable(username)} ${done}`)
        })
      )
    })
  ).pipe(Command.withDescription(description))

export const disable = change(
  "disable",
  "Locks a person out: they cannot log in, and whatever was issued for them is dead at once.",
  ({ disable }) => disable,
  "is disabled: it cannot log in, and everything issued for it is dead"
)

export const enable = change(
  "enable",
  "Lets a person in again. What was issued before they were locked out stays dead.",
  ({ enable }) => enable,
  "is enabled, and can log in again"
)

export const unlock = change(
  "unlock",
  "Ends a pause of logins after wrong passwords, for every network. The password stays the same.",
  ({ unlock }) => unlock,
  "is unlocked: its logins are not paused any more, and its password is the same",
  { argument: name, read: Lookup.username }
)

export const remove = change(
  "delete",
  "Deletes an account for good. Whatever was issued for it is dead at once.",
  ({ remove }) => remove,
  "is deleted, and everything issued for it is dead"
)

export const setPassword = Command.make(
  "set-password",
  { name, passwordStdin, ...ServerOptions.forCommand },
  ({ name, passwordStdin, ...given }) =>
    Effect.gen(function* () {
      const username = yield* Lookup.username(name)
      yield* NewPassword.requireSource(passwordStdin)
      yield* WithServices.onExisting(given, () =>
        Effect.gen(function* () {
          const { id } = yield* Lookup.account(username)
          const password = yield* NewPassword.read(username, passwordStdin)
          if (Option.isNone(yield* (yield* Accounts).setPassword(id, password)))
            return yield* Lookup.noSuchAccount(username)
          yield* Output.print(
            `The account ${username} has its new password, and everything issued under the old one is dead`
          )
        })
      )
    })
).pipe(
  Command.withDescription(
    "Gives an account another password. Its sessions, and whatever was issued for it, end at once."
  )
)
