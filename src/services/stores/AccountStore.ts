/** Where the accounts are kept: those of ours, and those that stand for an app's own people. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Account, isExternal, type Subject, Username } from "../../domain/Account.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

export class AccountStore extends Context.Tag("latchkey/AccountStore")<
  AccountStore,
  {
    /** Keep a new account. Of any number of callers with one username, exactly one sees `Created`. */
    readonly insert: (account: Account) => Effect.Effect<"Created" | "NameTaken", TemporarilyUnavailable>
    /**
     * Keep an account if there is none at all: of any number of callers at most one sees `Created`, until every account
     * was removed again.
     */
    readonly insertFirst: (account: Account) => Effect.Effect<"Created" | "NotFirst", TemporarilyUnavailable>
    /**
     * Keep an account if there is none of its id, and answer with the one that there is then: all callers of one id get
     * the same, and at most one of them is told that it is new.
     */
    readonly ensure: (
      account: Account
    ) => Effect.Effect<{ readonly account: Account; readonly isNew: boolean }, TemporarilyUnavailable>
    readonly find: (id: Subject) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
    readonly findByUsername: (username: Username) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
    /** All accounts, the oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Account>, TemporarilyUnavailable>
    /** Raise the account's epoch: from here on no session or grant made under an earlier one is good for anything. */
    readonly advanceEpoch: (id: Subject) => Effect.Effect<void, TemporarilyUnavailable>
    /** Disabling raises the epoch in the same statement. `false` when there is no such account. */
    readonly setState: (id: Subject, state: Account["state"]) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** A new password raises the epoch in the same statement. `false` when there is no such account. */
    readonly setPassword: (id: Subject, hash: Redacted.Redacted) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Forget the account, its sessions and its consents; and what a removal of it left that broke off. Nothing made under
     * it is good for anything: no later account of ours gets its id, and an app's person who comes again begins at another
     * epoch, which are both drawn at random.
     */
    readonly remove: (id: Subject) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}

/**
 * The account that somebody logs in to with this name and a password. `None` for a name that is nobody's or can be
 * nobody's, and for one that stands for a person of an app's own.
 */
export const findOwn = (
  store: AccountStore["Type"],
  username: string
): Effect.Effect<Option.Option<Account>, TemporarilyUnavailable> =>
  Option.match(Schema.decodeOption(Username)(username), {
    onNone: () => Effect.succeedNone,
    onSome: (name) =>
      Effect.map(
        store.findByUsername(name),
        Option.filter((account) => !isExternal(account))
      )
  })
