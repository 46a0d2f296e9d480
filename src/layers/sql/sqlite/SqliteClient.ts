/**
 * `SqlClient` over better-sqlite3 with two connections to one file. A statement that only reads, as SQLite decides, runs at
 * once on the first connection and sees committed rows. Every other statement goes through the group commit of `SqliteWriter`.
 *
 * This client has no transactions, because each verb of a port is one statement. On one connection that many callers share, a
 * transaction would block them all.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { isBusy } from "../../files/ErrorCode.js"
import type { Direct } from "../SqlStatement.js"
import * as CheckpointThread from "./CheckpointThread.js"
import * as SqliteConnection from "./SqliteConnection.js"
import { untilFree } from "./SqliteError.js"
import * as SqliteFile from "./SqliteFile.js"
import * as SqliteWriter from "./SqliteWriter.js"

export interface SqliteClient extends SqlClient.SqlClient {
  /** Number of transactions that the writer has committed. */
  readonly commits: Effect.Effect<number>
  readonly direct: Direct
  /** As `SqliteWriter.revision`. */
  readonly revision: () => number | undefined
  readonly harmless: Set<string>
}

const transactionControl = /^\s*(BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b/i

const noTransactions = new SqlError({ message: "this client has no transactions: a write is one statement" })

/**
 * Makes a client from two functions that connect to one file. `onCommit` is called after each commit with its number of writes.
 * The scope closes the connections.
 */
export const make = (connect: {
  readonly reader: () => SqliteConnection.SqliteConnection
  readonly writer: () => SqliteConnection.SqliteConnection
  readonly onCommit?: (writes: number) => void
}): Effect.Effect<SqliteClient, SqlError, Scope.Scope> =>
  Effect.gen(function* () {
    // In this order, so that the scope closes the reader first: the last connection merges the log and must be able to write.
    const harmless = new Set<string>()
    const writer = yield* untilFree(SqliteWriter.make(connect.writer, { harmless, onCommit: connect.onCommit }))
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

    // A reader is almost never busy: only while another process recovers or merges the log.
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
    const direct: Direct = (sql, params) => {
      // A read that fails, or that finds the database busy, is tried again in `run`.
      try {
        return reader.readRows(sql, params) ?? (writer.write(sql, params, "Rows") as ReturnType<Direct>)
      } catch {
        return run(sql, params, "Rows")
      }
    }
    return Object.assign(client, { commits: writer.commits, revision: writer.revision, direct, harmless })
  })

/** Opens a client on a file that `SqliteFile.prepare` has prepared. */
export const open = (path: string): Effect.Effect<SqliteClient, SqlError, Scope.Scope> =>
  Effect.suspend(() => {
    const thread = CheckpointThread.make(path)
    const client = make({
      reader: () => SqliteConnection.make(SqliteFile.openReader(path)),
      writer: () => SqliteConnection.make(SqliteFile.openWriter(path)),
      onCommit: thread.committed
    })
    // After the client, so that the scope closes the thread first.
    return Effect.tap(client, () => Effect.addFinalizer(() => thread.close))
  })
