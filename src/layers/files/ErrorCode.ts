/** The codes of errors: of SQLite (https://www.sqlite.org/rescode.html), of PostgreSQL, and of the operating system. */
import * as Predicate from "effect/Predicate"

/** The code of an error. `""` if it has none. */
export const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : ""

/** Whether another connection to a SQLite file has the lock. The statement did nothing, and a retry may succeed. */
export const isBusy = (cause: unknown): boolean => /^SQLITE_(BUSY|LOCKED|PROTOCOL)(_|$)/.test(codeOf(cause))
