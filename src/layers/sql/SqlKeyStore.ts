/**
 * Root keys, sealed, in a SQL database. A key's state is not kept but follows from its turn: the key of the highest is
 * the current one, those before it are retired, and the one without any is the next.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Issuer } from "../../domain/Issuer.js"
import { KeyId, KeyState, type KeyStore, type StoredKey } from "../../services/KeyStore.js"
import * as SqlText from "./SqlText.js"

const Row = Schema.Struct({
  id: KeyId,
  sealed: Schema.String,
  created_at: SqlText.Instant,
  turn: Schema.NullOr(Schema.Int),
  retired_at: Schema.NullOr(SqlText.Instant)
})

const read = SqlText.reader("root_keys", Row)

const decode = (row: unknown) =>
  Effect.map(read(row), ({ created_at, id, retired_at, sealed, turn }): StoredKey => {
    const past = retired_at === null ? KeyState.Current() : KeyState.Retired({ at: retired_at })
    return { id, sealed, createdAt: created_at, state: turn === null ? KeyState.Next() : past }
  })

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<KeyStore> => {
  const query = SqlText.queries(sql, issuer)
  const list = query(`
    select id, sealed, created_at, turn, (
      select min(current_from) from root_keys as later
      where later.issuer = root_keys.issuer and later.turn = (
        select min(turn) from root_keys as next where next.issuer = root_keys.issuer and next.turn > root_keys.turn
      )
    ) as retired_at
    from root_keys where issuer = :issuer order by created_at, id`)
  // Of two that see no key at once, the index of turns lets one pass.
  const insertFirst = query(`
    insert into root_keys (issuer, id, sealed, created_at, turn, current_from)
    select :issuer, :id, :sealed, cast(:createdAt as bigint), 1, cast(:createdAt as bigint)
    where not exists (select 1 from root_keys where issuer = :issuer)
    on conflict do nothing`)
  // There is an index of next keys, which holds one of each issuer.
  const insertNext = query(`
    insert into root_keys (issuer, id, sealed, created_at) values (:issuer, :id, :sealed, :createdAt)
    on conflict do nothing
    returning id`)
  const promote = query(`
    update root_keys set
      turn = coalesce((select max(turn) from root_keys where issuer = :issuer), 0) + 1,
      current_from = :now
    where issuer = :issuer and id = :id and turn is null
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
    promote: (id, now) => Effect.map(promote({ id, now: now.epochMillis }), (changed) => changed.length > 0),
    remove: (id) => Effect.map(remove({ id }), (removed) => removed.length > 0)
  }
}
