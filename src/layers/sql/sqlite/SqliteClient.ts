/**
 * `SqlClient` over better-sqlite3 with two connections to one file: what only reads, by SQLite's own word, runs at once
 * on the one and sees what is committed; everything else goes through the group commit of `SqliteWriter`.
 *
 * The ports need no transactions, each verb being one statement, so none are offered: on one connection that many
 * callers share, a transaction would stop them all.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { isBusy } from "../ErrorCode.js"
import * as SqliteConnection from "./SqliteConnection.js"
import { untilFree } from "./SqliteError.js"
import * as SqliteFile from "./SqliteFile.js"
import * as SqliteWriter from "./SqliteWriter.js"

export interface SqliteClient extends SqlClient.SqlClient {
  /** How many transactions the writer has committed. */
  readonly commits: Effect.Effect<number>
}

const transactionControl = /^\s*(BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b/i

const noTransactions = new SqlError({ message: "this client offers no transactions: a write is one statement" })

/** A client over two ways of connecting to one file; its connections are closed with the scope. */
export const make = (connect: {
  readonly reader: () => SqliteConnection.SqliteConnection
  readonly writer: () => SqliteConnection.SqliteConnection
}): Effect.Effect<SqliteClient, SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    // In this order, so that the reader is closed first: the last to close puts the log away, and must be able to.
    const writer = yield* untilFree(SqliteWriter.make(connect.writer))
    const reader = yield* Effect.acquireRelease(
      untilFree(
        Effect.try({
          try: connect.reader,
          catch: (cause) => new SqlError({ cause, message: "the database was not opened" })
        })
      ),
      (connection) => Effect.sync(() => connection.close())
    )

    const attempt = (
      sql: string,
      params: ReadonlyArray<unknown>,
      read: SqliteConnection.Read
    ): Effect.Effect<unknown, SqlError> => {
      if (transactionControl.test(sql)) return noTransactions
      try {
        return reader.isReadonly(sql) ? Effect.succeed(reader.run(sql, params, read)) : writer.write(sql, params, read)
      } catch (cause) {
        return Effect.fail(new SqlError({ cause, message: "the statement failed" }))
      }
    }

    // Almost never busy: a reader waits only while another process recovers the log or puts it away.
    const run = <A>(
      sql: string,
      params: ReadonlyArray<unknown>,
      read: SqliteConnection.Read
    ): Effect.Effect<A, SqlError> =>
      Effect.catchIf(
        Effect.suspend(() => attempt(sql, params, read)),
        ({ cause }) => isBusy(cause) && reader.isReadonly(sql),
        () => untilFree(Effect.suspend(() => attempt(sql, params, read)))
      ) as Effect.Effect<A, SqlError>

    const execute: Connection["execute"] = (sql, params, transformRows) => {
      const rows = run<ReadonlyArray<object>>(sql, params, "Rows")
      return transformRows === undefined ? rows : Effect.map(rows, transformRows)
    }

    const connection: Connection = {
      execute,
      executeUnprepared: execute,
      executeRaw: (sql, params) => run(sql, params, "Raw"),
      executeValues: (sql, params) => run(sql, params, "Values"),
      executeStream: (sql, params, transformRows) =>
        Stream.unwrap(Effect.map(execute(sql, params, transformRows), Stream.fromIterable))
    }

    const client = yield* SqlClient.make({
      acquirer: Effect.succeed(connection),
      transactionAcquirer: noTransactions,
      compiler: Statement.makeCompilerSqlite(),
      spanAttributes: [["db.system.name", "sqlite"]]
    }).pipe(Effect.provide(Reactivity.layer))
    return Object.assign(client, { commits: writer.commits })
  })

/** A client on a file, which has been prepared. */
export const open = (path: string): Effect.Effect<SqliteClient, SqlError, Scope.Scope> =>
  make({
    reader: () => SqliteConnection.make(SqliteFile.openReader(path)),
    writer: () => SqliteConnection.make(SqliteFile.openWriter(path))
  })
