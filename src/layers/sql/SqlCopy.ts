/**
 * Copies all rows of one database to an empty one. SQLite and PostgreSQL have the same tables. Each side is a connection in a
 * transaction, so no row changes during the copy, and the copy is complete or absent.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Base64Url from "../../domain/Base64Url.js"
import { digestOf } from "../../services/keys/Crypto.js"

/** A value of a row. A driver may return a 64-bit integer as text. */
type Value = string | number | bigint | null
type Row = Readonly<Record<string, unknown>>

export interface Table {
  readonly name: string
  readonly columns: ReadonlyArray<{ readonly name: string; readonly isInteger: boolean }>
  /** The columns of the primary key, in the order of the key. */
  readonly key: ReadonlyArray<string>
}

/** One side of a copy. */
export interface Side<E> {
  /** The name of the database in messages, without a password. */
  readonly name: string
  /** The tables of Latchkey with all their columns. */
  readonly tables: Effect.Effect<ReadonlyArray<Table>, E>
  /** Runs a statement. `?` is the placeholder of a value. */
  readonly execute: (text: string, values: ReadonlyArray<Value>) => Effect.Effect<ReadonlyArray<Row>, E>
}

/** The reason why nothing was copied. */
export class CopyRefused extends Schema.TaggedError<CopyRefused>("latchkey/CopyRefused")("CopyRefused", {
  reason: Schema.Literal(
    /** The target is not empty. */
    "NotEmpty",
    /** The two databases have different tables. */
    "OtherSchema",
    /** The rows that were read back differ from those that were written. */
    "NotTheSame"
  ),
  message: Schema.String
}) {}

/** The number of copied rows for each table name. */
export type Copied = Readonly<Record<string, number>>

/** Number of rows of one read and of one insert. */
const batch = 100

/** Copies each table in the order of its key, then reads the copy back and compares it. */
export const copy = <E>(source: Side<E>, target: Side<E>): Effect.Effect<Copied, CopyRefused | E> =>
  Effect.gen(function* () {
    const tables = yield* source.tables
    const there = new Map((yield* target.tables).map((table) => [table.name, shapeOf(table)]))
    // A target may have more tables: PostgreSQL has some that only its nodes use.
    if (tables.some((table) => there.get(table.name) !== shapeOf(table))) {
      return yield* new CopyRefused({
        reason: "OtherSchema",
        message: `${target.name}: its tables differ from those of ${source.name}: update both (latchkey db migrate)`
      })
    }
    for (const { name } of tables) {
      const [row] = yield* target.execute(`select 1 as found from ${name} limit 1`, [])
      if (row === undefined) continue
      return yield* new CopyRefused({
        reason: "NotEmpty",
        message: `${target.name}: this database is not empty (${name}), and was not changed`
      })
    }
    const copied: Record<string, number> = {}
    for (const table of tables) {
      const sent = yield* each(source, table, (rows) => insert(target, table, rows))
      const kept = yield* each(target, table, () => Effect.void)
      if (sent.count !== kept.count || sent.sum !== kept.sum) {
        return yield* new CopyRefused({
          reason: "NotTheSame",
          message: `${target.name}: the rows of ${table.name} differ from those that were written, and nothing was copied`
        })
      }
      copied[table.name] = sent.count
    }
    return copied
  })

/** The parts of a table that must be equal on both sides, as one text. The order of columns may differ. */
const shapeOf = ({ columns, key }: Table): string =>
  JSON.stringify([key, columns.map(({ isInteger, name }) => `${name} ${isInteger ? "integer" : "text"}`).sort()])

/** Reads a table. Returns the number of its rows and a checksum, which does not depend on their order. */
const each = <E>(
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

const insert = <E>(side: Side<E>, { columns, name }: Table, rows: ReadonlyArray<ReadonlyArray<Value>>) => {
  const places = `(${columns.map(() => "?").join(", ")})`
  const names = columns.map((column) => column.name).join(", ")
  return Effect.asVoid(
    side.execute(`insert into ${name} (${names}) values ${rows.map(() => places).join(", ")}`, rows.flat())
  )
}
