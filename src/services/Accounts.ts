/** The built-in accounts: making them, and logging in with a name and a password. */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { type Account, type Password, Subject, type Username } from "../domain/Account.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { AccountStore } from "./AccountStore.js"
import { identifier } from "./Crypto.js"
import { Events } from "./Events.js"
import { PasswordHasher } from "./PasswordHasher.js"

/** What makes an account. */
export interface NewAccount {
  readonly username: Username
  readonly password: Password
}

export class Accounts extends Context.Tag("latchkey/Accounts")<
  Accounts,
  {
    readonly create: (account: NewAccount) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
    /** Makes the account only if there is none at all; `None` otherwise. */
    readonly createFirst: (account: NewAccount) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
    /**
     * The account of this name and password. A name that does not exist takes the same time, and gives the same answer,
     * as a wrong password.
     */
    readonly authenticate: (
      username: Username,
      password: Redacted.Redacted
    ) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const store = yield* AccountStore
  const hasher = yield* PasswordHasher
  const events = yield* Events

  const prepare = ({ password, username }: NewAccount) =>
    Effect.gen(function* () {
      const account: Account = {
        id: Subject.make(yield* identifier),
        username,
        passwordHash: yield* hasher.hash(password),
        createdAt: yield* DateTime.now,
        state: "Enabled",
        epoch: 1
      }
      return account
    })

  const told = (account: Account, answer: "Created" | "NameTaken" | "NotFirst") =>
    answer === "Created"
      ? events
          .publish({ _tag: "AccountCreated", subject: account.id })
          .pipe(Effect.zipRight(Effect.annotateCurrentSpan({ subject: account.id })), Effect.as(Option.some(account)))
      : Effect.succeedNone

  return Accounts.of({
    create: Effect.fn("Accounts.create")(function* (account) {
      const prepared = yield* prepare(account)
      return yield* told(prepared, yield* store.insert(prepared))
    }),
    createFirst: Effect.fn("Accounts.createFirst")(function* (account) {
      const prepared = yield* prepare(account)
      return yield* told(prepared, yield* store.insertFirst(prepared))
    }),
    authenticate: Effect.fn("Accounts.authenticate")(function* (username, password) {
      const account = yield* store.findByUsername(username)
      if (Option.isSome(account)) yield* Effect.annotateCurrentSpan({ subject: account.value.id })
      const hash = Option.map(account, ({ passwordHash }) => passwordHash)
      const matches = yield* hasher.verify(hash, password)
      const found = Option.filter(account, ({ state }) => matches && state === "Enabled")
      if (Option.isNone(found)) {
        yield* events.publish({
          _tag: "LoginFailed",
          ...Option.match(account, { onNone: () => ({}), onSome: ({ id }) => ({ subject: id }) })
        })
      }
      return found
    })
  })
})

export const layer = Layer.effect(Accounts, make)
