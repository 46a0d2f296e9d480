/** Stores accounts: those of Latchkey, and those that represent the users of an app. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Account, isExternal, type Subject, Username } from "../../domain/Account.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Page } from "./Paging.js"

/** The position of an account in the list of accounts. */
export type AccountCursor = Pick<Account, "createdAt" | "id">

export class AccountStore extends Context.Tag("latchkey/AccountStore")<
  AccountStore,
  {
    /** Store a new account. Exactly one of any number of callers with one username sees `Created`. */
    readonly insert: (account: Account) => Effect.Effect<"Created" | "NameTaken", TemporarilyUnavailable>
    /**
     * Store an account if there is none. At most one of any number of callers sees `Created`, until all accounts are deleted
     * again.
     */
    readonly insertFirst: (account: Account) => Effect.Effect<"Created" | "NotFirst", TemporarilyUnavailable>
    /**
     * Store an account if there is none with its id, and return the account with this id. All callers with one id get the same
     * account, and at most one of them sees `isNew: true`.
     */
    readonly ensure: (
      account: Account
    ) => Effect.Effect<{ readonly account: Account; readonly isNew: boolean }, TemporarilyUnavailable>
    readonly find: (id: Subject) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
    readonly findByUsername: (username: Username) => Effect.Effect<Option.Option<Account>, TemporarilyUnavailable>
    /** Returns accounts from the oldest to the newest; accounts of the same time are in the order of their ids. */
    readonly list: (page: Page<AccountCursor>) => Effect.Effect<ReadonlyArray<Account>, TemporarilyUnavailable>
    /** Raise the epoch of the account. From then on no session and no grant of an earlier epoch is valid. */
    readonly advanceEpoch: (id: Subject) => Effect.Effect<void, TemporarilyUnavailable>
    /** Enable or disable the account. Disabling raises the epoch in the same statement. `false` if there is no such account. */
    readonly setState: (id: Subject, state: Account["state"]) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Store a new password and raise the epoch in the same statement. `false` if there is no such account. */
    readonly setPassword: (id: Subject, hash: Redacted.Redacted) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Delete the account, its sessions and its consents, and also the rows that an interrupted deletion of it left. Nothing made
     * under the account is valid afterwards: no later account of Latchkey gets its id, and the account of an app's user who
     * returns begins at another epoch. Both are drawn at random.
     */
    readonly remove: (id: Subject) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}

/**
 * Returns the account that a user logs in to with this name and a password. `None` if the name is unknown or cannot be a
 * username, and for an account that represents a user of an app.
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
