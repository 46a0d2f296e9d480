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
import * as Spans from "../../services/Spans.js"
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

export type Rows = ReadonlyArray<object>

/** A statement with its values. */
export interface Compiled {
  readonly text: string
  readonly values: ReadonlyArray<unknown>
}

/**
 * A client that reports the cause of each failed statement. It may run a statement without the machinery of spans, and several
 * statements as one transaction.
 */
export interface Observed extends SqlClient.SqlClient {
  readonly onFailure?: (cause: unknown) => void
  readonly direct?: Direct
  /** The statements that never revoke access (see `Storage.revision`). */
  readonly harmless?: Set<string>
  /** As `Storage.revision`. */
  readonly revision?: () => number | undefined
  readonly transaction?: (statements: ReadonlyArray<Compiled>) => Effect.Effect<ReadonlyArray<Rows>, SqlError>
}

/**
 * Runs a statement, without a span. Returns the rows, if the driver has answered at once, or an effect that waits for them. It
 * runs in a fiber, where an exception is a defect.
 */
export type Direct = (sql: string, params: ReadonlyArray<unknown>) => Rows | Effect.Effect<Rows, SqlError>

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

/** Returns a function that runs a compiled statement: without a span, while the app has installed no tracer. */
const executor = (sql: Observed) => {
  const run = runner(sql)
  return (text: string, values: ReadonlyArray<unknown>): Effect.Effect<Rows, TemporarilyUnavailable> => {
    const { direct } = sql
    if (direct === undefined) return run(sql.unsafe(text, values))
    return Spans.whereTraced<Rows, TemporarilyUnavailable, never>(
      () => run(sql.unsafe(text, values)),
      () => {
        const answer = direct(text, values)
        return Effect.isEffect(answer) ? run(answer) : Effect.succeed(answer)
      }
    )
  }
}

/** Returns the placeholder of the parameter at a position, which counts from 1. */
const placeholderOf = (sql: Observed): ((position: number) => string) =>
  sql.onDialectOrElse({ pg: () => (position) => `$${position}`, orElse: () => () => "?" })

/** Whether a statement may revoke access (see `Storage.revision`). */
export type Effects = "MayRevoke" | "Harmless"

/**
 * Returns a function that compiles statements on the rows of one issuer. Its value is `:issuer` in each text. A compiled
 * statement is a function that runs it. `compiled` returns it for a `transaction`.
 */
export const queries = (sql: Observed, issuer: Issuer, effects: Effects = "MayRevoke") => {
  const execute = executor(sql)
  const placeholder = placeholderOf(sql)
  return <const Text extends string>(source: Text) => {
    const names: Array<string> = []
    const text = source.replace(/:([A-Za-z]+)/g, (_, name: string) => {
      names.push(name)
      return placeholder(names.length)
    })
    if (effects === "Harmless") sql.harmless?.add(text)
    const valuesOf = (parameters: Parameters<Text>) => {
      const values: Readonly<Record<string, Value>> = { ...parameters, issuer }
      return names.map((name) => values[name])
    }
    return Object.assign(
      (parameters: Parameters<Text>): Effect.Effect<Rows, TemporarilyUnavailable> =>
        execute(text, valuesOf(parameters)),
      { compiled: (parameters: Parameters<Text>): Compiled => ({ text, values: valuesOf(parameters) }) }
    )
  }
}

/**
 * Returns a function that runs statements in order as one transaction, which waits for the server once, and returns the rows of
 * each. Only the client of PostgreSQL has transactions.
 */
export const transaction = (sql: Observed) => {
  const run = runner(sql)
  return (statements: ReadonlyArray<Compiled>): Effect.Effect<ReadonlyArray<Rows>, TemporarilyUnavailable> =>
    sql.transaction === undefined
      ? Effect.dieMessage("this client has no transactions")
      : run(sql.transaction(statements))
}

/** Returns a function that inserts rows by one statement. A row that exists already stays as it is. */
export const insertion = <const Column extends string>(
  sql: Observed,
  table: string,
  columns: ReadonlyArray<Column>
) => {
  const execute = executor(sql)
  const placeholder = placeholderOf(sql)
  const texts = new Map<number, string>()
  const textOf = (rows: number): string => {
    const known = texts.get(rows)
    if (known !== undefined) return known
    const tuples = Array.from({ length: rows }, (_, row) => {
      const own = columns.map((_, column) => placeholder(row * columns.length + column + 1))
      return `(${own.join(", ")})`
    })
    const text = `insert into ${table} (${columns.join(", ")}) values ${tuples.join(", ")} on conflict do nothing`
    texts.set(rows, text)
    // A new row revokes nothing.
    sql.harmless?.add(text)
    return text
  }
  return (rows: ReadonlyArray<Readonly<Record<Column, Value>>>) =>
    execute(
      textOf(rows.length),
      rows.flatMap((row) => columns.map((column) => row[column]))
    )
}
