/** `latchkey user list`. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as AccountView from "../../http/views/AccountView.js"
import { LoginThrottle } from "../../services/accounts/LoginThrottle.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Output from "../terminal/Output.js"
import { json } from "./CommandOptions.js"
import * as Listing from "./Listing.js"
import * as WithServices from "./WithServices.js"

export const list = WithServices.command(
  "list",
  "List the accounts, oldest first. It shows when each was created, its name, and until when its logins are paused",
  { json },
  ({ json }, { issuer }) =>
    Effect.gen(function* () {
      const pausedUntil = yield* (yield* LoginThrottle).pauses
      yield* Listing.print(json, Lists.accounts, {
        toObject: (account) => AccountView.fromAccount(account, pausedUntil(account.username)),
        toLine: ({ createdAt, state, username }) =>
          [
            DateTime.formatIso(createdAt),
            Output.printable(username),
            ...(state === "Disabled" ? ["disabled"] : []),
            ...Option.match(pausedUntil(username), {
              onNone: () => [],
              onSome: (instant) => [`logins paused until ${Output.instant(instant)}`]
            })
          ].join("  "),
        empty: `there is no account yet at ${issuer}`
      })
    })
)
