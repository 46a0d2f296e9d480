/** One connection of better-sqlite3. It prepares each statement once for its text. All functions are synchronous. */
import type Sqlite from "better-sqlite3"

/** The form of the result: rows as objects, rows as arrays, or the driver's result if there are no rows. */
export type Read = "Rows" | "Values" | "Raw"

export interface SqliteConnection {
  /** Whether SQLite says that a statement only reads. Throws if the text is no statement. */
  readonly isReadonly: (sql: string) => boolean
  /** Runs a statement that only reads; returns `undefined`, and does nothing, for every other. Throws as `run`. */
  readonly readRows: (sql: string, params: ReadonlyArray<unknown>) => ReadonlyArray<object> | undefined
  /** Runs one statement. Throws the exceptions of SQLite. */
  readonly run: (sql: string, params: ReadonlyArray<unknown>, read: Read) => unknown
  readonly inTransaction: () => boolean
  /** A number that changes when another connection has changed the file (https://www.sqlite.org/pragma.html#pragma_data_version). */
  readonly dataVersion: () => number
  /** Closes the connection. A second call is no error. */
  readonly close: () => void
}

/** Maximum number of prepared statements. The stores have a few dozen. */
const capacity = 200

/** Makes the connection of an open database. Closing it closes the database. */
export const make = (db: Sqlite.Database): SqliteConnection => {
  const prepared = new Map<string, Sqlite.Statement>()
  let dataVersion: Sqlite.Statement | undefined

  const prepare = (sql: string): Sqlite.Statement => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = db.prepare(sql)
    if (prepared.size >= capacity) deleteOldest()
    prepared.set(sql, statement)
    return statement
  }

  const deleteOldest = () => {
    for (const sql of prepared.keys()) {
      prepared.delete(sql)
      return
    }
  }

  return {
    isReadonly: (sql) => prepare(sql).readonly,
    readRows: (sql, params) => {
      const statement = prepare(sql)
      return statement.readonly ? (statement.all(params) as ReadonlyArray<object>) : undefined
    },
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
    dataVersion: () => {
      dataVersion ??= db.prepare("pragma data_version").pluck()
      return dataVersion.get() as number
    },
    close: () => {
      prepared.clear()
      db.close()
    }
  }
}
