/** One connection of better-sqlite3: statements are prepared once for each text. Everything here is synchronous. */
import type Sqlite from "better-sqlite3"

/** In what form rows are wanted: objects, arrays, or what the driver says when there are none. */
export type Read = "Rows" | "Values" | "Raw"

export interface SqliteConnection {
  /** Whether a statement only reads, by SQLite's own word. Throws when the text is no statement. */
  readonly isReadonly: (sql: string) => boolean
  /** Runs one statement; throws what SQLite throws. */
  readonly run: (sql: string, params: ReadonlyArray<unknown>, read: Read) => unknown
  readonly inTransaction: () => boolean
  /** Closing a connection that is closed is no error. */
  readonly close: () => void
}

/** At most this many statements are kept prepared. The stores have a few dozen. */
const capacity = 200

/** The connection of an open database; closing it closes the database. */
export const make = (db: Sqlite.Database): SqliteConnection => {
  const prepared = new Map<string, Sqlite.Statement>()

  const prepare = (sql: string): Sqlite.Statement => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = db.prepare(sql)
    if (prepared.size >= capacity) forgetOldest()
    prepared.set(sql, statement)
    return statement
  }

  const forgetOldest = () => {
    for (const sql of prepared.keys()) {
      prepared.delete(sql)
      return
    }
  }

  return {
    isReadonly: (sql) => prepare(sql).readonly,
    run: (sql, params, read) => {
      const statement = prepare(sql)
      if (!statement.reader) {
        const result = statement.run(params)
        return read === "Raw" ? result : []
      }
      if (read !== "Values") return statement.all(params)
      try {
        return statement.raw(true).all(params)
      } finally {
        statement.raw(false)
      }
    },
    inTransaction: () => db.inTransaction,
    close: () => {
      prepared.clear()
      db.close()
    }
  }
}
