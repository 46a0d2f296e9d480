/**
 * A root key, encrypted, as a row. The state of a key is not stored; it follows from its epoch and its turn. A replacement
 * begins an epoch, and the keys of earlier epochs are replaced. In the current epoch the key with the highest turn is the
 * current key, keys with a lower turn are retired, and the key without a turn is the next key.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { KeyId, KeyState, type StoredKey } from "../../../services/stores/KeyStore.js"
import * as SqlRow from "../SqlRow.js"

const Row = Schema.Struct({
  id: KeyId,
  sealed: Schema.String,
  created_at: SqlRow.Instant,
  turn: Schema.NullOr(Schema.Int),
  retired_at: Schema.NullOr(SqlRow.Instant),
  replaced_at: Schema.NullOr(SqlRow.Instant)
})

const read = SqlRow.reader("root_keys", Row)

/** Decodes a row of `KeyStatements`. */
export const decode = (row: unknown) =>
  Either.map(
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

/** Returns the columns of a new row. */
export const encode = ({ createdAt, id, sealed }: StoredKey) => ({ id, sealed, createdAt: createdAt.epochMillis })
