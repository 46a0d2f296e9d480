/** The errors of a database as errors of a port. */
import type { SqlError } from "@effect/sql/SqlError"
import * as Data from "effect/Data"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { codeOf, isBusy } from "../files/ErrorCode.js"

/** A failure of the database. It omits the values that a driver may add to its message. */
export class DatabaseFailure extends Data.TaggedError("DatabaseFailure")<{
  readonly code: string
  readonly message: string
}> {}

/** The error of a port for an error of the database. The caller may retry and loses nothing. */
export const unavailable = ({ cause }: SqlError): TemporarilyUnavailable =>
  new TemporarilyUnavailable({
    reason: isBusy(cause) ? "StoreBusy" : "StoreFailed",
    description: "try again later",
    cause: new DatabaseFailure({ code: codeOf(cause), message: cause instanceof Error ? cause.message : "unknown" })
  })

/** The error of a port for a row with invalid values in these columns. */
export const unreadable = (table: string, columns: string): TemporarilyUnavailable =>
  new TemporarilyUnavailable({
    reason: "StoreFailed",
    description: "try again later",
    cause: new DatabaseFailure({ code: "UNREADABLE_ROW", message: `a row of ${table} cannot be read: ${columns}` })
  })
