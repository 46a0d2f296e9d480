/** The handlers of the admin API for accounts. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Account, Password } from "../../domain/Account.js"
import { Conflict } from "../../domain/HttpError.js"
import { InvalidRequest } from "../../domain/OAuthError.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import { LoginThrottle } from "../../services/accounts/LoginThrottle.js"
import * as PasswordRules from "../../services/accounts/NewPassword.js"
import * as AccountView from "../views/AccountView.js"
import type * as Api from "./Api.js"
import { formatPosition, next } from "./Paging.js"
import * as Payload from "./Payload.js"
import { noSuch, orNoSuch } from "./Problems.js"
import { NewPassword, NewUser } from "./UsersGroup.js"

/** Refuses a password that attackers try first. */
const refuseWellKnown = (password: Password) =>
  Effect.flatMap(PasswordRules.isWellKnown(password), (isWellKnown) =>
    isWellKnown
      ? new InvalidRequest({ reason: "MalformedParameter", description: PasswordRules.sentences.PasswordWellKnown })
      : Effect.void
  )

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "users", (handlers) =>
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const throttle = yield* LoginThrottle
      const viewOf = (account: Account) =>
        Effect.map(throttle.pausedUntil(account.username), (pausedUntil) =>
          AccountView.fromAccount(account, pausedUntil)
        )

      return handlers
        .handle("list", ({ urlParams: { after, limit, username } }) =>
          Effect.gen(function* () {
            if (username !== undefined) {
              const found = Option.toArray(yield* accounts.findByUsername(username))
              return { users: yield* Effect.forEach(found, viewOf) }
            }
            const page = after === undefined ? { limit } : { limit, after: { createdAt: after.at, id: after.id } }
            const rows = yield* accounts.list(page)
            const pausedUntil = yield* throttle.pauses
            return {
              users: rows.map((account) => AccountView.fromAccount(account, pausedUntil(account.username))),
              ...next(rows, limit, ({ createdAt, id }) => formatPosition({ at: createdAt, id }))
            }
          })
        )
        .handleRaw("create", ({ request }) =>
          Effect.gen(function* () {
            const payload = yield* Payload.read(request, NewUser)
            yield* refuseWellKnown(payload.password)
            const account = yield* accounts.create(payload)
            if (Option.isNone(account)) {
              return yield* new Conflict({
                reason: "NameTaken",
                description: "an account with this name exists"
              })
            }
            return AccountView.fromAccount(account.value)
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
        .handleRaw("setPassword", ({ path, request }) =>
          Effect.gen(function* () {
            const { password } = yield* Payload.read(request, NewPassword)
            yield* refuseWellKnown(password)
            yield* orNoSuch("account", Effect.map(accounts.setPassword(path.id, password), Option.isSome))
          })
        )
        .handle("remove", ({ path }) => orNoSuch("account", accounts.remove(path.id)))
    })
  )
