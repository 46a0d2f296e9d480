/**
 * Root keys, encrypted, in a SQL database. The state of a key is not stored; it follows from its epoch and its turn. A
 * replacement begins an epoch, and the keys of earlier epochs are replaced. In the current epoch the key with the highest turn
 * is the current key, keys with a lower turn are retired, and the key without a turn is the next key. So each verb changes one
 * row, and two verbs that take the same turn collide.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Issuer } from "../../../domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import { KeyId, KeyState, type KeyStore, type StoredKey } from "../../../services/stores/KeyStore.js"
import * as SqlRow from "../SqlRow.js"
import * as SqlStatement from "../SqlStatement.js"

const Row = Schema.Struct({
  id: KeyId,
  sealed: Schema.String,
  created_at: SqlRow.Instant,
  turn: Schema.NullOr(Schema.Int),
  retired_at: Schema.NullOr(SqlRow.Instant),
  replaced_at: Schema.NullOr(SqlRow.Instant)
})

const read = SqlRow.reader("root_keys", Row)

const decode = (row: unknown) =>
  Effect.map(
    read(row),
    (row): StoredKey => ({
      id: row.id,
      sealed: row.sealed,
      createdAt: row.created_at,
      state: stateOf(row)
    })
  )

const stateOf = ({ replaced_at, retired_at, turn }: typeof Row.Type): KeyState => {
  if (replaced_at !== null) return KeyState.Replaced({ at: replaced_at })
  if (turn === null) return KeyState.Next()
  return retired_at === null ? KeyState.Current() : KeyState.Retired({ at: retired_at })
}

const currentEpoch = "(select max(epoch) from root_keys where issuer = :issuer)"

/** Maximum number of retries after a collision. Two verbs that take the same turn collide, and one of them must read again. */
const collisions = 100

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<KeyStore> => {
  const query = SqlStatement.queries(sql, issuer)
  const list = query(`
    select id, sealed, created_at, turn, (
      select min(current_from) from root_keys as later
      where later.issuer = root_keys.issuer and later.turn = (
        select min(turn) from root_keys as next where next.issuer = root_keys.issuer and next.turn > root_keys.turn
      )
    ) as retired_at, case when epoch < ${currentEpoch} then (
      select min(current_from) from root_keys as later where later.issuer = root_keys.issuer and later.epoch = ${currentEpoch}
    ) end as replaced_at
    from root_keys where issuer = :issuer order by created_at, id`)
  // If two callers see no key at the same time, the unique index of turns accepts one of them.
  const insertFirst = query(`
    insert into root_keys (issuer, id, sealed, created_at, turn, current_from, epoch)
    select :issuer, :id, :sealed, cast(:createdAt as bigint), 1, cast(:createdAt as bigint), 1
    where not exists (select 1 from root_keys where issuer = :issuer)
    on conflict do nothing`)
  // The unique index of next keys accepts one key for each epoch.
  const insertNext = query(`
    insert into root_keys (issuer, id, sealed, created_at, epoch)
    select :issuer, :id, :sealed, cast(:createdAt as bigint), coalesce(max(epoch), 1) from root_keys where issuer = :issuer
    on conflict do nothing
    returning id`)
  const promote = query(`
    update root_keys set
      turn = coalesce((select max(turn) from root_keys where issuer = :issuer), 0) + 1,
      current_from = :now
    where issuer = :issuer and id = :id and turn is null and epoch = ${currentEpoch}
    returning id`)
  const replace = query(`
    insert into root_keys (issuer, id, sealed, created_at, turn, current_from, epoch)
    select :issuer, :id, :sealed, cast(:createdAt as bigint), coalesce(max(turn), 0) + 1, cast(:now as bigint),
      coalesce(max(epoch), 0) + 1
    from root_keys where issuer = :issuer
    on conflict do nothing
    returning id`)
  const remove = query(`
    delete from root_keys where issuer = :issuer and id = :id
      and (turn is null or turn < (select max(turn) from root_keys where issuer = :issuer))
    returning id`)

  const encode = ({ createdAt, id, sealed }: StoredKey) => ({ id, sealed, createdAt: createdAt.epochMillis })

  return {
    list: Effect.flatMap(list({}), Effect.forEach(decode)),
    insertFirst: (key) => Effect.asVoid(insertFirst(encode(key))),
    insertNext: (key) => Effect.map(insertNext(encode(key)), (made) => made.length > 0),
    // On PostgreSQL a collision with a replacement is an error. The second attempt finds that the key is no longer the next key.
    promote: (id, now) =>
      Effect.map(Effect.retry(promote({ id, now: now.epochMillis }), { times: 3 }), (changed) => changed.length > 0),
    replace: (key, now) =>
      replace({ ...encode(key), now: now.epochMillis }).pipe(
        Effect.repeat({ until: (made) => made.length > 0, times: collisions }),
        Effect.filterOrFail(
          (made) => made.length > 0,
          () => new TemporarilyUnavailable({ reason: "StoreBusy", description: "try again later" })
        ),
        Effect.asVoid
      ),
    remove: (id) => Effect.map(remove({ id }), (removed) => removed.length > 0)
  }
}
