/**
 * Creates the first account of a new server by a link. The link works once, and no longer works as soon as any account exists.
 * Each process has its own link, which it shows only to the operator who starts the server; processes that are started
 * together have one link (`layerWithToken`).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Account } from "../../domain/Account.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { digest, digestsEqual, randomSecret } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import { AccountStore } from "../stores/AccountStore.js"
import { Accounts, type NewAccount } from "./Accounts.js"

export class FirstAccount extends Context.Tag("latchkey/FirstAccount")<
  FirstAccount,
  {
    /** The token of the link; `None` if an account exists. */
    readonly token: Effect.Effect<Option.Option<Redacted.Redacted>, TemporarilyUnavailable>
    /** Returns whether a token opens the page now. */
    readonly admits: (token: Redacted.Redacted) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Creates the first account. Returns `None` if the token is wrong or an account exists already. */
    readonly create: (
      token: Redacted.Redacted,
      account: NewAccount
    ) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
  }
>() {}

/** Returns a new token for a link. */
export const newToken: Effect.Effect<Redacted.Redacted> = randomSecret()

const make = Effect.fnUntraced(function* (ours: Redacted.Redacted) {
  const accounts = yield* Accounts
  const store = yield* AccountStore
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
    create: Spans.fn("FirstAccount.create")(function* (presented, account) {
      return (yield* admits(presented)) ? yield* accounts.createFirst(account) : Option.none()
    })
  })
})

/** Makes a link of this process. */
export const layer = Layer.effect(FirstAccount, Effect.flatMap(newToken, make))

/** Uses the same token as other processes, so that each of them answers the link. */
export const layerWithToken = (token: Redacted.Redacted) => Layer.effect(FirstAccount, make(token))
