/** Accounts in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Issuer } from "../../../domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import type { AccountStore } from "../../../services/stores/AccountStore.js"
import * as SqlRow from "../SqlRow.js"
import * as AccountRow from "./AccountRow.js"
import * as AccountStatements from "./AccountStatements.js"

/** Another account has the name, or the account was deleted at this moment. */
const nameTaken = new TemporarilyUnavailable({
  reason: "StoreFailed",
  description: "try again later",
  cause: "there is no account with this id, and one with this name"
})

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<AccountStore> => {
  const statements = AccountStatements.make(sql, issuer)
  return {
    insert: (account) =>
      Effect.map(statements.insert(AccountRow.encode(account)), (made) => (made.length > 0 ? "Created" : "NameTaken")),
    insertFirst: (account) =>
      Effect.map(statements.insertFirst(AccountRow.encode(account)), (made) =>
        made.length > 0 ? "Created" : "NotFirst"
      ),
    ensure: Effect.fnUntraced(function* (account) {
      if ((yield* statements.ensure(AccountRow.encode(account))).length > 0) return { account, isNew: true }
      const [row] = yield* statements.find({ id: account.id })
      return row === undefined ? yield* nameTaken : { account: yield* AccountRow.decode(row), isNew: false }
    }),
    find: (id) => Effect.flatMap(statements.find({ id }), (rows) => SqlRow.first(rows, AccountRow.decode)),
    findByUsername: (username) =>
      Effect.flatMap(statements.findByUsername({ username }), (rows) => SqlRow.first(rows, AccountRow.decode)),
    list: ({ after, limit }) =>
      Effect.flatMap(
        statements.list({
          createdAt: after?.createdAt.epochMillis ?? Number.MIN_SAFE_INTEGER,
          id: after?.id ?? "",
          limit
        }),
        Effect.forEach(AccountRow.decode)
      ),
    advanceEpoch: (id) => Effect.asVoid(statements.advanceEpoch({ id })),
    setState: (id, state) => Effect.map(statements.setState({ id, state }), (changed) => changed.length > 0),
    setPassword: (id, hash) =>
      Effect.map(statements.setPassword({ id, passwordHash: Redacted.value(hash) }), (changed) => changed.length > 0),
    remove: Effect.fnUntraced(function* (id) {
      const removed = yield* statements.remove({ id })
      // The account is deleted. The rest only deletes its rows, also those that an interrupted deletion left.
      yield* Effect.forEach(statements.leftoverRows, (deleteRows) => deleteRows({ id }), { discard: true })
      return removed.length > 0
    })
  }
}
