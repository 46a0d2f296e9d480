/**
 * SQL statements for SQLite and PostgreSQL. Each text is compiled once, so that a driver prepares it once. A parameter is
 * written `:name`, and the compiler of TypeScript knows the names of a text.
 *
 * @example
 * import type { SqlClient } from "@effect/sql"
 * import type { Issuer } from "latchkey/Issuer"
 * import * as SqlStatement from "./SqlStatement.js"
 *
 * declare const sql: SqlClient.SqlClient
 * declare const issuer: Issuer
 * const query = SqlStatement.queries(sql, issuer)
 * const findSecret = query("select secret_digest from clients where issuer = :issuer and id = :id")
 * findSecret({ id: "c1" })
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as SqlFailure from "./SqlFailure.js"

/** The value of a column. */
export type Value = string | number | null

/** The letters at the beginning of a text. */
type Word<Text extends string, Read extends string = ""> = Text extends `${infer First}${infer Rest}`
  ? Lowercase<First> extends Uppercase<First>
    ? Read
    : Word<Rest, `${Read}${First}`>
  : Read

/** The names of the parameters in a text. */
type Names<Text extends string, Found = never> = Text extends `${string}:${infer Rest}`
  ? Names<Rest, Found | Word<Rest>>
  : Found

export type Parameters<Text extends string> = { readonly [Name in Exclude<Names<Text>, "issuer">]: Value }

/** A client that reports the cause of each failed statement. */
export interface Observed extends SqlClient.SqlClient {
  readonly onFailure?: (cause: unknown) => void
}

/**
 * Returns a function that runs a statement and maps its error to the error of a port. On PostgreSQL a statement is
 * uninterruptible: the client would cancel it by the process id of its connection, which may run the statement of another
 * caller by then, and a commit that waits for a standby would happen without it. The pool limits how long a statement takes.
 * On SQLite the writer drops interrupted statements that have not begun.
 */
export const runner = (
  sql: Observed
): (<A>(statement: Effect.Effect<A, SqlError>) => Effect.Effect<A, TemporarilyUnavailable>) => {
  const failed = (error: SqlError): TemporarilyUnavailable => {
    sql.onFailure?.(error.cause)
    return SqlFailure.unavailable(error)
  }
  return sql.onDialectOrElse({
    pg: () => (statement) => Effect.uninterruptible(Effect.mapError(statement, failed)),
    orElse: () => (statement) => Effect.mapError(statement, failed)
  })
}

/** Returns a function that compiles statements on the rows of one issuer. Its value is `:issuer` in each text. */
export const queries = (sql: Observed, issuer: Issuer) => {
  const run = runner(sql)
  return <const Text extends string>(text: Text) => {
    const names: Array<string> = []
    const placeholder = sql.onDialectOrElse({ pg: () => () => `$${names.length}`, orElse: () => () => "?" })
    const compiled = text.replace(/:([A-Za-z]+)/g, (_, name: string) => {
      names.push(name)
      return placeholder()
    })
    return (parameters: Parameters<Text>): Effect.Effect<ReadonlyArray<object>, TemporarilyUnavailable> => {
      const values: Readonly<Record<string, Value>> = { ...parameters, issuer }
      return run(
        sql.unsafe(
          compiled,
          names.map((name) => values[name])
        )
      )
    }
  }
}
