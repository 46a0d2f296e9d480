/** The SQL statements on the table of accounts. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { Issuer } from "../../../domain/Issuer.js"
import * as SqlStatement from "../SqlStatement.js"
import { columns } from "./AccountRow.js"

/**
 * The current epoch of a row's `subject`, as SQL. A subject without an account here belongs to another system and has epoch 0.
 * Accounts begin at 1, so nothing of a deleted account stays valid. A disabled account has no epoch.
 */
export const subjectEpoch = <const Table extends "grants" | "sessions">(table: Table) =>
  `coalesce((
    select case state when 'Enabled' then epoch else -1 end from accounts
    where issuer = ${table}.issuer and id = ${table}.subject
  ), 0)` as const

/** Returns the statements for the accounts of one issuer. */
export const make = (sql: SqlClient.SqlClient, issuer: Issuer) => {
  const query = SqlStatement.queries(sql, issuer)
  const harmless = SqlStatement.queries(sql, issuer, "Harmless")
  const values = `
    insert into accounts (issuer, id, username, password_hash, created_at, state, epoch)
    values (:issuer, :id, :username, :passwordHash, :createdAt, :state, :epoch)`
  return {
    insert: harmless(`${values} on conflict (issuer, username) do nothing returning id`),
    // Any conflict, because a race for the id is also a race for the name.
    ensure: harmless(`${values} on conflict do nothing returning id`),
    // If two callers see no account at the same time, the unique index of founders accepts one of them.
    insertFirst: harmless(`
      insert into accounts (issuer, id, username, password_hash, created_at, state, epoch, founder)
      select :issuer, :id, :username, :passwordHash, cast(:createdAt as bigint), :state, cast(:epoch as bigint), 1
      where not exists (select 1 from accounts where issuer = :issuer)
      on conflict do nothing
      returning id`),
    find: query(`select ${columns} from accounts where issuer = :issuer and id = :id`),
    findByUsername: query(`select ${columns} from accounts where issuer = :issuer and username = :username`),
    list: query(`
      select ${columns} from accounts where issuer = :issuer and (created_at, id) > (:createdAt, :id)
      order by created_at, id limit :limit`),
    advanceEpoch: query("update accounts set epoch = epoch + 1 where issuer = :issuer and id = :id"),
    setState: query(`
      update accounts set state = :state, epoch = epoch + case when :state = 'Disabled' then 1 else 0 end
      where issuer = :issuer and id = :id
      returning id`),
    setPassword: query(`
      update accounts set password_hash = :passwordHash, epoch = epoch + 1 where issuer = :issuer and id = :id
      returning id`),
    remove: query("delete from accounts where issuer = :issuer and id = :id returning id"),
    /** The statements that delete the rows of a deleted account in other tables. */
    leftoverRows: [
      query("delete from sessions where issuer = :issuer and subject = :id"),
      query("delete from consents where issuer = :issuer and subject = :id"),
      query("delete from consent_items where issuer = :issuer and subject = :id")
    ]
  }
}
