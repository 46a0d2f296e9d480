/** `latchkey user`: who can log in. */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { Username } from "../domain/Account.js"
import { AccountStore } from "../services/AccountStore.js"
import { Accounts } from "../services/Accounts.js"
import * as Beside from "./Beside.js"
import * as Database from "./Database.js"
import { badUsage, impossible } from "./Failure.js"
import * as NewPassword from "./NewPassword.js"
import * as Output from "./Output.js"
import * as ServerOptions from "./ServerOptions.js"

const name = Args.text({ name: "NAME" }).pipe(
  Args.withDescription("What the person logs in with: 1 to 64 characters without spaces; capitals make no difference.")
)

const passwordStdin = Options.boolean("password-stdin").pipe(
  Options.withDescription("Reads the password from standard input instead of asking for it.")
)

const readName = (text: string) =>
  Effect.mapError(Schema.decode(Username)(text), (error) =>
    badUsage(`NAME: ${ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message}`)
  )

const nameTaken = (username: Username) => impossible(`there is an account ${username} already`)

export const create = Command.make(
  "create",
  { name, passwordStdin, ...ServerOptions.forCommand },
  ({ name, passwordStdin, ...given }) =>
    Effect.gen(function* () {
      const place = yield* ServerOptions.readForCommand(given)
      const username = yield* readName(name)
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
      }).pipe(Beside.provide(place))
    })
).pipe(Command.withDescription("Makes an account. It works beside a running server."))

export const list = Command.make("list", ServerOptions.forCommand, (given) =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.readForCommand(given)
    yield* Beside.requireExisting(place)
    yield* Effect.gen(function* () {
      const all = yield* (yield* AccountStore).list
      if (all.length === 0) return yield* Output.complain(`there is no account yet that can log in at ${place.issuer}`)
      yield* Effect.forEach(all, ({ createdAt, username }) =>
        Output.print(`${DateTime.formatIso(createdAt)}  ${username}`)
      )
    }).pipe(Beside.provide(place))
  })
).pipe(Command.withDescription("Lists the accounts, the oldest first: when they were made, and their names."))
