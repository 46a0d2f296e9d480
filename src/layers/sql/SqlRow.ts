/** Reads rows by a schema. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
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
