/**
 * Root keys, sealed, in a SQL database. A key's state is not kept but follows from its era and its turn. A replacement
 * begins an era, and the keys of earlier ones are replaced. In the present era the key of the highest turn is the current
 * one, those before it are retired, and the one without any is the next. So each verb changes one row, and two that take
 * one turn collide.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Issuer } from "../../../domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import { KeyId, KeyState, type KeyStore, type StoredKey } from "../../../services/stores/KeyStore.js"
import * as SqlText from "./SqlText.js"

const Row = Schema.Struct({
  id: KeyId,
  sealed: Schema.String,
  created_at: SqlText.Instant,
  turn: Schema.NullOr(Schema.Int),
  retired_at: Schema.NullOr(SqlText.Instant),
  replaced_at: Schema.NullOr(SqlText.Instant)
})

const read = SqlText.reader("root_keys", Row)

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

const thisEra = "(select max(era) from root_keys where issuer = :issuer)"

/** Two that take the same turn collide, and one of them has to look again: of so many in a row, each has its turn. */
const collisions = 100

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<KeyStore> => {
  const query = SqlText.queries(sql, issuer)
  const list = query(`
    select id, sealed, created_at, turn, (
      select min(current_from) from root_keys as later
      where later.issuer = root_keys.issuer and later.turn = (
        select min(turn) from root_keys as next where next.issuer = root_keys.issuer and next.turn > root_keys.turn
      )
    ) as retired_at, case when era < ${thisEra} then (
      select min(current_from) from root_keys as later where later.issuer = root_keys.issuer and later.era = ${thisEra}
    ) end as replaced_at
    from root_keys where issuer = :issuer order by created_at, id`)
  // Of two that see no key at once, the index of turns lets one pass.
  const insertFirst = query(`
    insert into root_keys (issuer, id, sealed, created_at, turn, current_from)
    select :issuer, :id, :sealed, cast(:createdAt as bigint), 1, cast(:createdAt as bigint)
    where not exists (select 1 from root_keys where issuer = :issuer)
    on conflict do nothing`)
  // There is an index of next keys, which holds one of each era.
  const insertNext = query(`
    insert into root_keys (issuer, id, sealed, created_at, era)
    select :issuer, :id, :sealed, cast(:createdAt as bigint), coalesce(max(era), 1) from root_keys where issuer = :issuer
    on conflict do nothing
    returning id`)
  const promote = query(`
    update root_keys set
      turn = coalesce((select max(turn) from root_keys where issuer = :issuer), 0) + 1,
      current_from = :now
    where issuer = :issuer and id = :id and turn is null and era = ${thisEra}
    returning id`)
  const replace = query(`
    insert into root_keys (issuer, id, sealed, created_at, turn, current_from, era)
    select :issuer, :id, :sealed, cast(:createdAt as bigint), coalesce(max(turn), 0) + 1, cast(:now as bigint),
      coalesce(max(era), 0) + 1
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
    // PostgreSQL tells of a collision with a replacement by an error: the key is no next key any more, on a second look.
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
