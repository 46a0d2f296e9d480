/** `latchkey user create`. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Username } from "../../domain/Account.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import * as Database from "../settings/Database.js"
import * as Target from "../settings/Target.js"
import { impossible } from "../terminal/Failure.js"
import * as NewPassword from "../terminal/NewPassword.js"
import * as Output from "../terminal/Output.js"
import * as Lookup from "./Lookup.js"
import * as UserOptions from "./UserOptions.js"
import * as WithServices from "./WithServices.js"

const nameTaken = (username: Username) => impossible(`there is an account ${username} already`)

export const create = Command.make(
  "create",
  { name: UserOptions.newName, passwordStdin: UserOptions.passwordStdin, ...Target.forCommand },
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
