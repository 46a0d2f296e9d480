/** Accounts in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Account, Subject, Username } from "../../../domain/Account.js"
import type { Issuer } from "../../../domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import type { AccountStore } from "../../../services/stores/AccountStore.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"

const columns = "id, username, password_hash, created_at, state, epoch"

const Row = Schema.Struct({
  id: Subject,
  username: Schema.typeSchema(Username),
  password_hash: Schema.Redacted(Schema.String),
  created_at: SqlRow.Instant,
  state: Schema.Literal("Enabled", "Disabled"),
  epoch: Schema.Int
})

const read = SqlRow.reader("accounts", Row)

const decode = (row: unknown) =>
  Effect.map(
    read(row),
    (row): Account => ({
      id: row.id,
      username: row.username,
      passwordHash: row.password_hash,
      createdAt: row.created_at,
      state: row.state,
      epoch: row.epoch
    })
  )

const encode = (account: Account) => ({
  id: account.id,
  username: account.username,
  passwordHash: Redacted.value(account.passwordHash),
  createdAt: account.createdAt.epochMillis,
  state: account.state,
  epoch: account.epoch
})

/** Another account has the name, or the account was deleted at this moment. */
const nameTaken = new TemporarilyUnavailable({
  reason: "StoreFailed",
  description: "try again later",
  cause: "there is no account with this id, and one with this name"
})

/**
 * The current epoch of a row's `subject`, as SQL. A subject without an account here belongs to another system and has epoch 0.
 * Accounts begin at 1, so nothing of a deleted account stays valid. A disabled account has no epoch.
 */
export const subjectEpoch = <const Table extends "grants" | "sessions">(table: Table) =>
  `coalesce((
    select case state when 'Enabled' then epoch else -1 end from accounts
    where issuer = ${table}.issuer and id = ${table}.subject
  ), 0)` as const

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<AccountStore> => {
  const query = SqlStatement.queries(sql, issuer)
  const values = `
    insert into accounts (issuer, id, username, password_hash, created_at, state, epoch)
    values (:issuer, :id, :username, :passwordHash, :createdAt, :state, :epoch)`
  const insert = query(`${values} on conflict (issuer, username) do nothing returning id`)
  // Any conflict, because a race for the id is also a race for the name.
  const ensure = query(`${values} on conflict do nothing returning id`)
  // If two callers see no account at the same time, the unique index of founders accepts one of them.
  const insertFirst = query(`
    insert into accounts (issuer, id, username, password_hash, created_at, state, epoch, founder)
    select :issuer, :id, :username, :passwordHash, cast(:createdAt as bigint), :state, cast(:epoch as bigint), 1
    where not exists (select 1 from accounts where issuer = :issuer)
    on conflict do nothing
    returning id`)
  const find = query(`select ${columns} from accounts where issuer = :issuer and id = :id`)
  const findByUsername = query(`select ${columns} from accounts where issuer = :issuer and username = :username`)
  const list = query(`
    select ${columns} from accounts where issuer = :issuer and (created_at, id) > (:createdAt, :id)
    order by created_at, id limit :limit`)
  const advanceEpoch = query("update accounts set epoch = epoch + 1 where issuer = :issuer and id = :id")
  const setState = query(`
    update accounts set state = :state, epoch = epoch + case when :state = 'Disabled' then 1 else 0 end
    where issuer = :issuer and id = :id
    returning id`)
  const setPassword = query(`
    update accounts set password_hash = :passwordHash, epoch = epoch + 1 where issuer = :issuer and id = :id
    returning id`)
  const remove = query("delete from accounts where issuer = :issuer and id = :id returning id")
  const leftoverRows = [
    query("delete from sessions where issuer = :issuer and subject = :id"),
    query("delete from consents where issuer = :issuer and subject = :id"),
    query("delete from consent_items where issuer = :issuer and subject = :id")
  ]

  return {
    insert: (account) => Effect.map(insert(encode(account)), (made) => (made.length > 0 ? "Created" : "NameTaken")),
    insertFirst: (account) =>
      Effect.map(insertFirst(encode(account)), (made) => (made.length > 0 ? "Created" : "NotFirst")),
    ensure: Effect.fnUntraced(function* (account) {
      if ((yield* ensure(encode(account))).length > 0) return { account, isNew: true }
      const [row] = yield* find({ id: account.id })
      return row === undefined ? yield* nameTaken : { account: yield* decode(row), isNew: false }
    }),
    find: (id) => Effect.flatMap(find({ id }), (rows) => SqlRow.first(rows, decode)),
    findByUsername: (username) => Effect.flatMap(findByUsername({ username }), (rows) => SqlRow.first(rows, decode)),
    list: ({ after, limit }) =>
      Effect.flatMap(
        list({ createdAt: after?.createdAt.epochMillis ?? Number.MIN_SAFE_INTEGER, id: after?.id ?? "", limit }),
        Effect.forEach(decode)
      ),
    advanceEpoch: (id) => Effect.asVoid(advanceEpoch({ id })),
    setState: (id, state) => Effect.map(setState({ id, state }), (changed) => changed.length > 0),
    setPassword: (id, hash) =>
      Effect.map(setPassword({ id, passwordHash: Redacted.value(hash) }), (changed) => changed.length > 0),
    remove: Effect.fnUntraced(function* (id) {
      const removed = yield* remove({ id })
      // The account is deleted. The rest only deletes its rows, also those that an interrupted deletion left.
      yield* Effect.forEach(leftoverRows, (deleteRows) => deleteRows({ id }), { discard: true })
      return removed.length > 0
    })
  }
}
