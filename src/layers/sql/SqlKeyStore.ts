/** Root keys, sealed, in a SQL database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Issuer } from "../../domain/Issuer.js"
import { KeyId, type KeyStore, type StoredKey } from "../../services/KeyStore.js"
import * as SqlText from "./SqlText.js"

const Row = Schema.Struct({ id: KeyId, sealed: Schema.String, created_at: SqlText.Instant })

const read = SqlText.reader("root_keys", Row)

const decode = (row: unknown) =>
  Effect.map(read(row), ({ created_at, id, sealed }): StoredKey => ({ id, sealed, createdAt: created_at }))

export const make = (sql: SqlClient.SqlClient, issuer: Issuer): Context.Tag.Service<KeyStore> => {
  const query = SqlText.queries(sql, issuer)
  const list = query("select id, sealed, created_at from root_keys where issuer = :issuer order by created_at, id")
  // Of two that see no key at once, the founder's index lets one pass.
  const insertFirst = query(`
    insert into root_keys (issuer, id, sealed, created_at, founder)
    select :issuer, :id, :sealed, cast(:createdAt as bigint), 1
    where not exists (select 1 from root_keys where issuer = :issuer)
    on conflict do nothing`)

  return {
    list: Effect.flatMap(list({}), Effect.forEach(decode)),
    insertFirst: ({ createdAt, id, sealed }) =>
      Effect.asVoid(insertFirst({ id, sealed, createdAt: createdAt.epochMillis }))
  }
}
