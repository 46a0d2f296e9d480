/** The SQL statements on the table of root keys. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { Issuer } from "../../../domain/Issuer.js"
import * as SqlStatement from "../SqlStatement.js"

const currentEpoch = "(select max(epoch) from root_keys where issuer = :issuer)"

/** Returns the statements for the keys of one issuer. */
export const make = (sql: SqlClient.SqlClient, issuer: Issuer) => {
  const query = SqlStatement.queries(sql, issuer)
  return {
    list: query(`
      select id, sealed, created_at, turn, (
        select min(current_from) from root_keys as later
        where later.issuer = root_keys.issuer and later.turn = (
          select min(turn) from root_keys as next where next.issuer = root_keys.issuer and next.turn > root_keys.turn
        )
      ) as retired_at, case when epoch < ${currentEpoch} then (
        select min(current_from) from root_keys as later where later.issuer = root_keys.issuer and later.epoch = ${currentEpoch}
      ) end as replaced_at
      from root_keys where issuer = :issuer order by created_at, id`),
    // If two callers see no key at the same time, the unique index of turns accepts one of them.
    insertFirst: query(`
      insert into root_keys (issuer, id, sealed, created_at, turn, current_from, epoch)
      select :issuer, :id, :sealed, cast(:createdAt as bigint), 1, cast(:createdAt as bigint), 1
      where not exists (select 1 from root_keys where issuer = :issuer)
      on conflict do nothing`),
    // The unique index of next keys accepts one key for each epoch.
    insertNext: query(`
      insert into root_keys (issuer, id, sealed, created_at, epoch)
      select :issuer, :id, :sealed, cast(:createdAt as bigint), coalesce(max(epoch), 1) from root_keys where issuer = :issuer
      on conflict do nothing
      returning id`),
    promote: query(`
      update root_keys set
        turn = coalesce((select max(turn) from root_keys where issuer = :issuer), 0) + 1,
        current_from = :now
      where issuer = :issuer and id = :id and turn is null and epoch = ${currentEpoch}
      returning id`),
    replace: query(`
      insert into root_keys (issuer, id, sealed, created_at, turn, current_from, epoch)
      select :issuer, :id, :sealed, cast(:createdAt as bigint), coalesce(max(turn), 0) + 1, cast(:now as bigint),
        coalesce(max(epoch), 0) + 1
      from root_keys where issuer = :issuer
      on conflict do nothing
      returning id`),
    remove: query(`
      delete from root_keys where issuer = :issuer and id = :id
        and (turn is null or turn < (select max(turn) from root_keys where issuer = :issuer))
      returning id`)
  }
}
