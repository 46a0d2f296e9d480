/** An account as a row. */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Account, Subject, Username } from "../../../domain/Account.js"
import * as SqlRow from "../SqlRow.js"

/** The columns of an account. */
export const columns = "id, username, password_hash, created_at, state, epoch"

const Row = Schema.Struct({
  id: Subject,
  username: Schema.typeSchema(Username),
  password_hash: Schema.Redacted(Schema.String),
  created_at: SqlRow.Instant,
  state: Schema.Literal("Enabled", "Disabled"),
  epoch: Schema.Int
})

const read = SqlRow.reader("accounts", Row)

/** Maximum number of accounts whose decoded form is remembered, about 1 MB. Every page of a user reads one. */
const remembered = 1024

/** Decodes a row of `AccountStatements`. */
export const decode = SqlRow.remembering((row) => Either.map(read(row), accountOf), "id", remembered)

const accountOf = (row: typeof Row.Type): Account => ({
  id: row.id,
  username: row.username,
  passwordHash: row.password_hash,
  createdAt: row.created_at,
  state: row.state,
  epoch: row.epoch
})

/** Returns the columns of a new row. */
export const encode = (account: Account) => ({
  id: account.id,
  username: account.username,
  passwordHash: Redacted.value(account.passwordHash),
  createdAt: account.createdAt.epochMillis,
  state: account.state,
  epoch: account.epoch
})
