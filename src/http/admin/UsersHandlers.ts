/** What the admin API does with accounts. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Account, Password } from "../../domain/Account.js"
import { Conflict } from "../../domain/HttpError.js"
import { InvalidRequest } from "../../domain/OAuthError.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import { LoginThrottle } from "../../services/accounts/LoginThrottle.js"
import * as NewPassword from "../../services/accounts/NewPassword.js"
import * as AccountView from "../views/AccountView.js"
import type * as Api from "./Api.js"
import { noSuch, orNoSuch } from "./NoSuch.js"

/** Refuses a password that guessers try first. */
const refuseWellKnown = (password: Password) =>
  Effect.flatMap(NewPassword.isWellKnown(password), (isWellKnown) =>
    isWellKnown
      ? new InvalidRequest({ reason: "MalformedParameter", description: NewPassword.sentences.PasswordWellKnown })
      : Effect.void
  )

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "users", (handlers) =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const throttle = yield* LoginThrottle
      const viewOf = (account: Account) =>
        Effect.map(throttle.pausedUntil(account.username), (pausedUntil) => AccountView.of(account, pausedUntil))
      const viewAll = Effect.zipWith(accounts.list, throttle.pauses, (all, pausedUntil) =>
        all.map((account) => AccountView.of(account, pausedUntil(account.username)))
      )

      return handlers
        .handle("list", ({ urlParams: { username } }) =>
          Effect.map(
            username === undefined
              ? viewAll
              : Effect.flatMap(accounts.findByUsername(username), (found) =>
                  Effect.forEach(Option.toArray(found), viewOf)
                ),
            (users) => ({ users })
          )
        )
        .handle("create", ({ payload }) =>
          Effect.gen(function* () {
            yield* refuseWellKnown(payload.password)
            const account = yield* accounts.create(payload)
            if (Option.isNone(account)) {
              return yield* new Conflict({
                reason: "NameTaken",
                description: "there is an account of this name already"
              })
            }
            return AccountView.of(account.value)
          })
        )
        .handle("show", ({ path }) =>
          Effect.gen(function* () {
            const account = yield* accounts.find(path.id)
            return Option.isNone(account) ? yield* noSuch("account") : yield* viewOf(account.value)
          })
        )
        .handle("disable", ({ path }) => orNoSuch("account", accounts.disable(path.id)))
        .handle("enable", ({ path }) => orNoSuch("account", accounts.enable(path.id)))
        .handle("unlock", ({ path }) => orNoSuch("account", accounts.unlock(path.id)))
        .handle("setPassword", ({ path, payload }) =>
          Effect.zipRight(
            refuseWellKnown(payload.password),
            orNoSuch("account", Effect.map(accounts.setPassword(path.id, payload.password), Option.isSome))
          )
        )
        .handle("remove", ({ path }) => orNoSuch("account", accounts.remove(path.id)))
    })
  )
