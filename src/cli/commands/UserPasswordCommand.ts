/** `latchkey user set-password`. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Accounts } from "../../services/accounts/Accounts.js"
import * as Target from "../settings/Target.js"
import * as NewPassword from "../terminal/NewPassword.js"
import * as Output from "../terminal/Output.js"
import * as Lookup from "./Lookup.js"
import * as UserOptions from "./UserOptions.js"
import * as WithServices from "./WithServices.js"

export const setPassword = Command.make(
  "set-password",
  { name: UserOptions.name, passwordStdin: UserOptions.passwordStdin, ...Target.forCommand },
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
