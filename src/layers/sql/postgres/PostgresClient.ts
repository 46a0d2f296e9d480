/**
 * `SqlClient` over the pool, with statements that wait for the server once. The server parses and plans a statement once for each
 * connection, under a name. Several statements are sent together, and their answers are read when all of them have been sent
 * (the pipeline of the driver).
 *
 * The names live as long as the session of a connection, as do the settings of `PostgresPool`. So a pooler between this program
 * and the server must pool sessions.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import { SqlError } from "@effect/sql/SqlError"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type Pg from "pg"
import type { Compiled, Direct, Rows } from "../SqlStatement.js"

export interface PostgresClient extends PgClient.PgClient {
  readonly direct: Direct
  /** Sends all statements, each of which commits by itself, and returns the rows of each. */
  readonly pipelined: (statements: ReadonlyArray<Compiled>) => Effect.Effect<ReadonlyArray<Rows>, SqlError>
  /** Sends all statements as one transaction, and returns the rows of each. */
  readonly transaction: (statements: ReadonlyArray<Compiled>) => Effect.Effect<ReadonlyArray<Rows>, SqlError>
}

const names = new Map<string, string>()

/**
 * Returns the name of a text, at most 63 bytes. It begins as the text does, because the log and the views of the server show
 * it. The texts of the stores are constants, so there are a few dozen names.
 */
const nameOf = (text: string): string => {
  const known = names.get(text)
  if (known !== undefined) return known
  const name = `${text.trim().replace(/\s+/g, " ").slice(0, 50)} #${names.size + 1}`
  names.set(text, name)
  return name
}

const failure = (cause: unknown) => Effect.fail(new SqlError({ cause, message: "the statement failed" }))

const begin = { text: "begin" }
const commit = { text: "commit" }

const prepared = ({ text, values }: Compiled): Pg.QueryConfig => ({ name: nameOf(text), text, values: [...values] })

/**
 * Sends statements on one connection, and waits until each has its answer. Fails with the first error. It is not interruptible:
 * a statement that was sent is executed (ADR 19).
 */
const send = (pool: Pg.Pool, queries: ReadonlyArray<Pg.QueryConfig>): Effect.Effect<ReadonlyArray<Rows>, SqlError> =>
  Effect.async((resume) => {
    pool.connect((cause, client, release) => {
      if (client === undefined) return resume(failure(cause))
      const rows: Array<Rows> = []
      let failed: Error | undefined
      let waiting = queries.length
      for (const [i, query] of queries.entries()) {
        client.query(query, (error: Error | null, result: Pg.QueryResult<object>) => {
          if (error) failed ??= error
          else rows[i] = result.rows
          waiting -= 1
          if (waiting > 0) return
          // A connection that broke, or still waits for an answer, leaves the pool (see `PostgresPool`).
          release()
          resume(failed === undefined ? Effect.succeed(rows) : failure(failed))
        })
      }
    })
  })

/** Makes the client of a pool, whose connections must have the pipeline of the driver. */
export const make = (pool: Pg.Pool): Effect.Effect<PostgresClient, SqlError, Scope.Scope> =>
  Effect.map(Effect.provide(PgClient.fromPool({ acquire: Effect.succeed(pool) }), Reactivity.layer), (client) =>
    Object.assign(client, {
      direct: (text, values) => Effect.map(send(pool, [prepared({ text, values })]), ([rows = []]) => rows),
      pipelined: (statements) => send(pool, statements.map(prepared)),
      transaction: (statements) =>
        Effect.map(send(pool, [begin, ...statements.map(prepared), commit]), (rows) => rows.slice(1, -1))
    } satisfies Omit<PostgresClient, keyof PgClient.PgClient>)
  )
