/**
 * Everything that one database holds, into another that is empty: of SQLite or PostgreSQL, whose tables are the same. Each
 * side is a connection in a transaction, so that nothing changes meanwhile, and the copy is there as a whole or not at all.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Base64Url from "../../domain/Base64Url.js"
import { digestOf } from "../../services/keys/Crypto.js"

/** A value of a row; an integer may come as text, as drivers of 64-bit integers give it. */
type Value = string | number | bigint | null
type Row = Readonly<Record<string, unknown>>

export interface Table {
  readonly name: string
  readonly columns: ReadonlyArray<{ readonly name: string; readonly isInteger: boolean }>
  /** The columns of the primary key, in its order. */
  readonly key: ReadonlyArray<string>
}

/** One side of a copy. */
export interface Side<E> {
  /** What to call it: without a password. */
  readonly name: string
  /** The tables of ours, with all of their columns. */
  readonly tables: Effect.Effect<ReadonlyArray<Table>, E>
  /** Runs a statement, in which `?` stands for a value. */
  readonly execute: (text: string, values: ReadonlyArray<Value>) => Effect.Effect<ReadonlyArray<Row>, E>
}

/** Why nothing was copied. */
export class CopyRefused extends Schema.TaggedError<CopyRefused>("latchkey/CopyRefused")("CopyRefused", {
  reason: Schema.Literal(
    /** The target holds something already. */
    "NotEmpty",
    /** The tables are not the same on both sides. */
    "OtherSchema",
    /** What was read back is not what was written. */
    "NotTheSame"
  ),
  message: Schema.String
}) {}

/** The rows that were copied, by the names of tables. */
export type Copied = Readonly<Record<string, number>>

/** Rows of a read, and of an insert. */
const batch = 100

/** Copies all rows of all tables, table by table, each in the order of its key, and reads the target back to compare. */
export const copy = <E>(source: Side<E>, target: Side<E>): Effect.Effect<Copied, CopyRefused | E> =>
  Effect.gen(function* () {
    const tables = yield* source.tables
    const there = new Map((yield* target.tables).map((table) => [table.name, shapeOf(table)]))
    // A target may have tables of its own: what PostgreSQL keeps for nodes alone, SQLite has no use for.
    if (tables.some((table) => there.get(table.name) !== shapeOf(table))) {
      return yield* new CopyRefused({
        reason: "OtherSchema",
        message: `${target.name}: its tables are not those of ${source.name}: bring both up to date (latchkey db migrate)`
      })
    }
    for (const { name } of tables) {
      const [row] = yield* target.execute(`select 1 as found from ${name} limit 1`, [])
      if (row === undefined) continue
      return yield* new CopyRefused({
        reason: "NotEmpty",
        message: `${target.name}: this database is not empty (${name}), and was left alone`
      })
    }
    const copied: Record<string, number> = {}
    for (const table of tables) {
      const sent = yield* each(source, table, (rows) => insert(target, table, rows))
      const kept = yield* each(target, table, () => Effect.void)
      if (sent.count !== kept.count || sent.sum !== kept.sum) {
        return yield* new CopyRefused({
          reason: "NotTheSame",
          message: `${target.name}: the rows of ${table.name} do not read as they were written, and nothing was kept`
        })
      }
      copied[table.name] = sent.count
    }
    return copied
  })

/** What must agree of a table, as one text; the order of columns need not. */
const shapeOf = ({ columns, key }: Table): string =>
  JSON.stringify([key, columns.map(({ isInteger, name }) => `${name} ${isInteger ? "integer" : "text"}`).sort()])

/** Goes through a table. The sum is that of its rows, in whatever order a database keeps them. */
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

/** A sum that the order of its parts does not change; each row counts once, because rows of one table differ. */
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
