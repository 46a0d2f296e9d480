/** Reactions to the extended result codes of SQLite (https://www.sqlite.org/rescode.html). */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { codeOf, isBusy } from "../../files/ErrorCode.js"

/**
 * Whether the connection must be opened again. Either the operating system failed, so that the content of the disk is
 * unknown. Or the connection was opened while the file was not writable: if SQLite cannot open a log for writing, it opens it
 * for reading and never retries.
 */
export const isBroken = (cause: unknown): boolean => /^SQLITE_(IOERR|READONLY|CANTOPEN)(_|$)/.test(codeOf(cause))

/**
 * Whether the transaction must be rolled back: SQLite may have done so already, and advises to do it in any case
 * (https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction). Also if the file is damaged.
 */
export const endsTransaction = (cause: unknown): boolean =>
  /^SQLITE_(FULL|IOERR|NOMEM|BUSY|INTERRUPT|CORRUPT|NOTADB)(_|$)/.test(codeOf(cause))

/** Maximum time that a caller waits for a lock. */
export const patience = Duration.seconds(2)

const often = Schedule.spaced("10 millis").pipe(Schedule.upTo(patience))

/**
 * Retries while another connection has the lock, for at most `patience`. The event loop runs between two attempts. The other
 * process holds the lock in real time, so the retries wait in real time, even if another clock is provided.
 */
export const untilFree = <A, E extends { readonly cause?: unknown }, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  self.pipe(Effect.retry({ schedule: often, while: ({ cause }) => isBusy(cause) }), Effect.withClock(Clock.make()))
