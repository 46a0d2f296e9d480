/** `latchkey user list`. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as AccountView from "../../http/views/AccountView.js"
import { LoginThrottle } from "../../services/accounts/LoginThrottle.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Target from "../settings/Target.js"
import * as Output from "../terminal/Output.js"
import * as WithServices from "./WithServices.js"

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
