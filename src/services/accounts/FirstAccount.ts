/**
 * How a new server gets its first account: by a link that is good once, and void as soon as any account exists. The
 * link is this process's own; nobody is told it but whoever started the server.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Account } from "../../domain/Account.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { digest, digestsEqual, randomSecret } from "../keys/Crypto.js"
import { AccountStore } from "../stores/AccountStore.js"
import { Accounts, type NewAccount } from "./Accounts.js"

export class FirstAccount extends Context.Tag("latchkey/FirstAccount")<
  FirstAccount,
  {
    /** What the link carries; `None` once there is an account. */
    readonly token: Effect.Effect<Option.Option<Redacted.Redacted>, TemporarilyUnavailable>
    /** Whether a token opens the page now. */
    readonly admits: (token: Redacted.Redacted) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Makes the first account; `None` when the token is wrong or somebody was faster. */
    readonly create: (
      token: Redacted.Redacted,
      account: NewAccount
    ) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const accounts = yield* Accounts
  const store = yield* AccountStore
  const ours = yield* randomSecret()
  let isVoid = false
  const token = Effect.suspend(() =>
    isVoid
      ? Effect.succeedNone
      : Effect.map(store.list({ limit: 1 }), (accounts) => {
          isVoid = accounts.length > 0
          return isVoid ? Option.none() : Option.some(ours)
        })
  )
  const admits = (presented: Redacted.Redacted) =>
    Effect.map(
      token,
      Option.exists((ours) => digestsEqual(digest(ours), digest(presented)))
    )

  return FirstAccount.of({
    token: Effect.withSpan(token, "FirstAccount.token"),
    admits: Effect.fn("FirstAccount.admits")(admits),
    create: Effect.fn("FirstAccount.create")(function* (presented, account) {
      return (yield* admits(presented)) ? yield* accounts.createFirst(account) : Option.none()
    })
  })
})

export const layer = Layer.effect(FirstAccount, make)
