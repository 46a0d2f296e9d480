/** What SQLite says went wrong: the name of its extended result code (https://www.sqlite.org/rescode.html). */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"

/** The code of an error, of SQLite or of the operating system; `""` when it has none. */
export const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : ""

/** Another connection holds the lock: nothing was done, and trying again may do. */
export const isBusy = (cause: unknown): boolean => /^SQLITE_(BUSY|LOCKED|PROTOCOL)(_|$)/.test(codeOf(cause))

/**
 * The connection is of no more use, and must be opened anew: the operating system failed, and what the disk holds is not
 * known; or it was opened when it could not write, for where SQLite cannot open a log for writing it opens it for
 * reading, and leaves it so.
 */
export const isBroken = (cause: unknown): boolean => /^SQLITE_(IOERR|READONLY|CANTOPEN)(_|$)/.test(codeOf(cause))

/**
 * After these SQLite may have rolled the transaction back, and advises to do so in any case
 * (https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction); or the file is not sound.
 */
export const endsTransaction = (cause: unknown): boolean =>
  /^SQLITE_(FULL|IOERR|NOMEM|BUSY|INTERRUPT|CORRUPT|NOTADB)(_|$)/.test(codeOf(cause))

/** How long anybody waits for a lock. */
export const patience = Duration.seconds(2)

const often = Schedule.spaced("10 millis").pipe(Schedule.upTo(patience))

/**
 * Tries again while another connection holds the lock, up to `patience`, and lets the event loop run meanwhile. The
 * lock is held in real time, so it is awaited in real time, whatever clock is provided.
 */
export const untilFree = <A, E extends { readonly cause?: unknown }, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  self.pipe(Effect.retry({ schedule: often, while: ({ cause }) => isBusy(cause) }), Effect.withClock(Clock.make()))
