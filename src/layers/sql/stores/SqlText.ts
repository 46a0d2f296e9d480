/**
 * SQL for SQLite and PostgreSQL alike, in texts that are made once, so that a driver prepares each once. `:name` stands
 * for a parameter, and the compiler knows the names of a text.
 *
 * @example
 * const query = SqlText.queries(sql, issuer)
 * const findSecret = query("select secret_digest from clients where issuer = :issuer and id = :id")
 * findSecret({ id: "c1" })
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Issuer } from "../../../domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import * as Scope from "../../../domain/Scope.js"
import { codeOf, isBusy } from "../sqlite/SqliteError.js"

/** What a column holds. */
export type Value = string | number | null

/** The letters that a text begins with. */
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

/** A client whose failures somebody wants to know of. */
export interface Observed extends SqlClient.SqlClient {
  readonly onFailure?: (cause: unknown) => void
}

/**
 * Runs statements, whose errors are those of a port. On PostgreSQL a statement is done to its end even when its caller
 * goes away: the client would cancel it by the number of its connection, which may serve somebody else by then, and a commit
 * that waits for a standby would be done without it. How long it takes is bounded by the pool. SQLite's writer drops what has
 * not begun.
 */
export const runner = (
  sql: Observed
): (<A>(statement: Effect.Effect<A, SqlError>) => Effect.Effect<A, TemporarilyUnavailable>) => {
  const failed = (error: SqlError): TemporarilyUnavailable => {
    sql.onFailure?.(error.cause)
    return unavailable(error)
  }
  return sql.onDialectOrElse({
    pg: () => (statement) => Effect.uninterruptible(Effect.mapError(statement, failed)),
    orElse: () => (statement) => Effect.mapError(statement, failed)
  })
}

/** Statements on the rows of one issuer, who is `:issuer` in every text. */
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

/** What went wrong in the database, without the values that a driver may tell beside its message. */
export class DatabaseFailure extends Data.TaggedError("DatabaseFailure")<{
  readonly code: string
  readonly message: string
}> {}

/** The error of a port for an error of the database: its caller may try again, and loses nothing. */
export const unavailable = ({ cause }: SqlError): TemporarilyUnavailable =>
  new TemporarilyUnavailable({
    reason: isBusy(cause) ? "StoreBusy" : "StoreFailed",
    description: "try again later",
    cause: new DatabaseFailure({ code: codeOf(cause), message: cause instanceof Error ? cause.message : "unknown" })
  })

/** Reads rows of a table; one that cannot be read is named by its columns, never by what they hold. */
export const reader = <A, I>(table: string, schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all" })
  return (row: unknown): Effect.Effect<A, TemporarilyUnavailable> =>
    Effect.mapError(decode(row), (error) => {
      const issues = ParseResult.ArrayFormatter.formatErrorSync(error)
      const columns = new Set(issues.map(({ path }) => path.find((key) => typeof key === "string") ?? "all"))
      return unreadable(table, Array.from(columns).join(", "))
    })
}

/** The one row of an answer, read; `None` when there is none. */
export const first = <A>(
  rows: ReadonlyArray<object>,
  decode: (row: object) => Effect.Effect<A, TemporarilyUnavailable>
): Effect.Effect<Option.Option<A>, TemporarilyUnavailable> =>
  rows[0] === undefined ? Effect.succeedNone : Effect.asSome(decode(rows[0]))

/** A row that holds what it cannot hold. */
export const unreadable = (table: string, columns: string): TemporarilyUnavailable =>
  new TemporarilyUnavailable({
    reason: "StoreFailed",
    description: "try again later",
    cause: new DatabaseFailure({ code: "UNREADABLE_ROW", message: `a row of ${table} cannot be read: ${columns}` })
  })

/** Milliseconds since 1970 in a row, an instant in the domain. */
export const Instant = Schema.DateTimeUtcFromNumber

/**
 * A scope in a row: tokens with spaces between them. There may be more of them than one request may name, because
 * what is granted adds up.
 */
export const parseScope = (text: string): Scope.Scope => (text === "" ? Scope.empty : new Set(text.split(" ")))

export const ScopeText = Schema.transform(Schema.String, Schema.ReadonlySetFromSelf(Schema.String), {
  strict: true,
  decode: parseScope,
  encode: Scope.format
})
