/**
 * Copies all rows of one database to an empty one. SQLite and PostgreSQL have the same tables. Each side is a connection in a
 * transaction, so no row changes during the copy, and the copy is complete or absent.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Side, Table } from "./CopySide.js"
import { derived } from "./migrations.js"
import * as TableRows from "./TableRows.js"

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

/** Copies each table in the order of its key, then reads the copy back and compares it. */
export const copy = <E>(source: Side<E>, target: Side<E>): Effect.Effect<Copied, CopyRefused | E> =>
  Effect.gen(function* () {
    const tables = (yield* source.tables).filter(({ name }) => !derived.has(name))
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
      const sent = yield* TableRows.each(source, table, (rows) => TableRows.insert(target, table, rows))
      const kept = yield* TableRows.each(target, table, () => Effect.void)
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
