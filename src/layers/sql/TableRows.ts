/** Reads the rows of a table in batches, with a checksum that shows whether two tables are equal, and inserts them. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Base64Url from "../../domain/Base64Url.js"
import { digestOf } from "../../services/keys/Crypto.js"
import type { Row, Side, Table, Value } from "./CopySide.js"

/** Number of rows of one read and of one insert. */
const batch = 100

/** Reads a table. Returns the number of its rows and a checksum, which does not depend on their order. */
export const each = <E>(
  side: Side<E>,
  table: Table,
  use: (rows: ReadonlyArray<ReadonlyArray<Value>>) => Effect.Effect<void, E>
) =>
  Effect.gen(function* () {
    const { columns, key, name } = table
    const list = columns.map((column) => column.name).join(", ")
    const order = key.join(", ")
    const places = columns.map((column) => column.name)
    const keyPlaces = key.map((column) => places.indexOf(column))
    let sum: Uint8Array = new Uint8Array(32)
    let count = 0
    let after: ReadonlyArray<Value> = []
    while (true) {
      const where = after.length === 0 ? "" : `where (${order}) > (${key.map(() => "?").join(", ")})`
      const found: ReadonlyArray<Row> = yield* side.execute(
        `select ${list} from ${name} ${where} order by ${order} limit ${batch}`,
        after
      )
      const rows = found.map((row) => columns.map((column) => read(row[column.name], column.isInteger)))
      if (rows.length > 0) yield* use(rows)
      for (const row of rows) sum = plus(sum, row)
      count += rows.length
      const last = rows.at(-1)
      if (last === undefined || rows.length < batch) return { count, sum: sum.join(" ") }
      after = keyPlaces.map((place) => last[place] ?? null)
    }
  })

const read = (value: unknown, isInteger: boolean): Value => {
  if (value === null || value === undefined) return null
  return isInteger ? Number(value) : String(value)
}

/** Adds a row to the checksum. The order of rows does not matter. Each row counts, because no two rows of a table are equal. */
const plus = (sum: Uint8Array, row: ReadonlyArray<Value>): Uint8Array => {
  const part = Option.getOrThrow(Base64Url.decode(digestOf(JSON.stringify(row))))
  return sum.map((byte, i) => byte ^ (part[i] ?? 0))
}

/** Inserts rows into a table. */
export const insert = <E>(side: Side<E>, { columns, name }: Table, rows: ReadonlyArray<ReadonlyArray<Value>>) => {
  const places = `(${columns.map(() => "?").join(", ")})`
  const names = columns.map((column) => column.name).join(", ")
  return Effect.asVoid(
    side.execute(`insert into ${name} (${names}) values ${rows.map(() => places).join(", ")}`, rows.flat())
  )
}
