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
  const decodeAll = rememberingAll(
    ([row]: readonly [object], _: unknown) => decode(row),
    (id) => id,
    capacity
  )
  return (row) => decodeAll([row], Reflect.get(row, key))
}

/** As `remembering`, for all rows of one value. `keyOf` returns what identifies the value. */
export const rememberingAll = <Rows extends ReadonlyArray<object>, Id, A, E>(
  decode: (rows: Rows, id: Id) => Either.Either<A, E>,
  keyOf: (id: Id) => unknown,
  capacity: number
): ((rows: Rows, id: Id) => Either.Either<A, E>) => {
  const known = new BoundedMap<unknown, { readonly rows: Rows; readonly decoded: Either.Either<A, E> }>(capacity)
  return (rows, id) => {
    const key = keyOf(id)
    const last = known.get(key)
    if (last !== undefined && haveValues(rows, last.rows)) return last.decoded
    return known.remember(key, { rows, decoded: decode(rows, id) }).decoded
  }
}

type Values = Readonly<Record<string, unknown>>

const haveValues = (rows: ReadonlyArray<object>, others: ReadonlyArray<object>): boolean =>
  rows.length === others.length && rows.every((row, i) => hasValues(row as Values, others[i] as Values))

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
