/** Accounts in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Account, Subject } from "../../domain/Account.js"
import type { AccountCursor, AccountStore } from "../../services/stores/AccountStore.js"
import * as Rows from "./Rows.js"

const byCreation = Rows.byTime<AccountCursor>(
  ({ createdAt }) => createdAt,
  ({ id }) => id
)

export const make = ({ accounts, consents, sessions }: Rows.Rows): Context.Tag.Service<AccountStore> => {
  const byUsername = (username: Account["username"]) =>
    Option.fromNullable(Array.from(accounts.values()).find((account) => account.username === username))

  const update = (id: Subject, change: (account: Account) => Partial<Account>) =>
    Effect.sync(() => {
      const account = accounts.get(id)
      if (account !== undefined) accounts.set(id, { ...account, ...change(account) })
      return account !== undefined
    })

  return {
    insert: (account) =>
      Effect.suspend(() => {
        if (Option.isSome(byUsername(account.username))) return Effect.succeed("NameTaken")
        if (accounts.has(account.id)) return Rows.taken("account")
        accounts.set(account.id, account)
        return Effect.succeed("Created")
      }),
    insertFirst: (account) =>
      Effect.sync(() => {
        if (accounts.size > 0) return "NotFirst"
        accounts.set(account.id, account)
        return "Created"
      }),
    ensure: (account) =>
      Effect.gen(function* () {
        const known = accounts.get(account.id)
        if (known !== undefined) return { account: known, isNew: false }
        if (Option.isSome(byUsername(account.username))) return yield* Rows.taken("account")
        accounts.set(account.id, account)
        return { account, isNew: true }
      }),
    find: (id) => Effect.sync(() => Option.fromNullable(accounts.get(id))),
    findByUsername: (username) => Effect.sync(() => byUsername(username)),
    list: (page) => Effect.sync(() => Rows.page(accounts.values(), byCreation, page)),
    advanceEpoch: (id) => Effect.asVoid(update(id, ({ epoch }) => ({ epoch: epoch + 1 }))),
    setState: (id, state) => update(id, ({ epoch }) => ({ state, epoch: state === "Disabled" ? epoch + 1 : epoch })),
    setPassword: (id, passwordHash) => update(id, ({ epoch }) => ({ passwordHash, epoch: epoch + 1 })),
    remove: (id) =>
      Effect.sync(() => {
        for (const [digest, { subject }] of sessions) if (subject === id) sessions.delete(digest)
        for (const [pair, { subject }] of consents) if (subject === id) consents.delete(pair)
        return accounts.delete(id)
      })
  }
}
