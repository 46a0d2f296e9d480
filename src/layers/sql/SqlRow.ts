/** Reads rows by a schema. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { BoundedMap } from "../../services/BoundedMap.js"
import * as SqlFailure from "./SqlFailure.js"

/** Returns a function that decodes a row of a table. The error names the invalid columns and never their values. */
export const reader = <A, I>(table: string, schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all" })
  return (row: unknown): Either.Either<A, TemporarilyUnavailable> =>
    Either.mapLeft(decode(row), (error) => {
      const issues = ParseResult.ArrayFormatter.formatErrorSync(error)
      const columns = new Set(issues.map(({ path }) => path.find((key) => typeof key === "string") ?? "all"))
      return SqlFailure.unreadable(table, Array.from(columns).join(", "))
    })
}

/**
 * As `decode`, and decodes a row once as long as its values stay the same. `key` is the column that identifies a row, and
 * `capacity` the maximum number of rows that are remembered.
 */
export const remembering = <A, E>(
  decode: (row: object) => Either.Either<A, E>,
  key: string,
  capacity: number
): ((row: object) => Either.Either<A, E>) => {
  const known = new BoundedMap<unknown, { readonly row: object; readonly decoded: Either.Either<A, E> }>(capacity)
  return (row) => {
    const id: unknown = Reflect.get(row, key)
    const last = known.get(id)
    if (last !== undefined && hasValues(row as Values, last.row as Values)) return last.decoded
    return known.remember(id, { row, decoded: decode(row) }).decoded
  }
}

type Values = Readonly<Record<string, unknown>>

const hasValues = (row: Values, values: Values): boolean => {
  for (const column in values) if (row[column] !== values[column]) return false
  return true
}

/** Returns the first row, decoded. `None` if there is no row. */
export const first = <A>(
  rows: ReadonlyArray<object>,
  decode: (row: object) => Either.Either<A, TemporarilyUnavailable>
): Effect.Effect<Option.Option<A>, TemporarilyUnavailable> =>
  rows[0] === undefined
    ? Effect.succeedNone
    : Either.match(decode(rows[0]), { onLeft: Effect.fail, onRight: Effect.succeedSome })

/** Milliseconds since 1970 in a row, an instant in the domain. */
export const Instant = Schema.DateTimeUtcFromNumber
