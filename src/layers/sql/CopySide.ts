/** The two sides of a copy: databases whose rows are read and written. */
import type * as Effect from "effect/Effect"

/** A value of a row. A driver may return a 64-bit integer as text. */
export type Value = string | number | bigint | null

/** A row as the driver returns it. */
export type Row = Readonly<Record<string, unknown>>

/** A table of Latchkey. */
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
