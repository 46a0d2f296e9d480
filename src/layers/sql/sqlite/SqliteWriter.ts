/**
 * Group commit: the writes of many callers share one transaction, and so one flush to the disk (design §4).
 *
 * Writes that arrive in the same turn of the event loop make a batch. A batch is one synchronous function: BEGIN
 * IMMEDIATE, the statements, COMMIT. Its callers are answered after the commit, so an answer is durable. What can go
 * wrong, and for whom:
 *
 * - a statement fails and the transaction still stands: that caller's write failed, the others are committed;
 * - the transaction is gone, or COMMIT fails: nothing of the batch was kept, and every caller is told so;
 * - the disk fails: what it holds is unknown. The connection is closed, and opened anew before anything else is
 *   written, so that nothing is built on a page that was never stored;
 * - another process holds the lock: the event loop goes on, and the batch is tried again, until each write has waited
 *   for `patience`.
 *
 * A write whose caller was interrupted is dropped if its batch has not begun, and never after.
 */
import { SqlError } from "@effect/sql/SqlError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { isBusy } from "../ErrorCode.js"
import type { Read, SqliteConnection } from "./SqliteConnection.js"
import { endsTransaction, isBroken, patience } from "./SqliteError.js"

/** At most this many writes are one transaction: it bounds how long one stops the event loop. */
export const maxBatch = 64

export interface SqliteWriter {
  /** Runs one statement in the next transaction, and answers once it is committed. */
  readonly write: (sql: string, params: ReadonlyArray<unknown>, read: Read) => Effect.Effect<unknown, SqlError>
  /** How many transactions were committed. */
  readonly commits: Effect.Effect<number>
}

interface Write {
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
  readonly read: Read
  /** On the monotonic clock: when a lock that another process holds has been awaited for long enough. */
  readonly deadline: number
  readonly answer: (outcome: Effect.Effect<unknown, SqlError>) => void
}

const failure = (cause: unknown) => Effect.fail(new SqlError({ cause, message: "the write failed" }))

interface Outcome {
  /** What each write of the batch comes to. */
  readonly answers: ReadonlyArray<readonly [write: Write, answer: Effect.Effect<unknown, SqlError>]>
  /** Whether the transaction was committed, or what became of the connection that could not. */
  readonly end: "Committed" | "RolledBack" | "Broken"
}

/** The rest of a transaction that has begun. */
const finish = (connection: SqliteConnection, batch: ReadonlyArray<Write>): Outcome => {
  const abandon = (cause: unknown): Outcome => {
    try {
      if (connection.inTransaction()) connection.run("ROLLBACK", [], "Rows")
    } catch {
      // The first cause says more, and what is still in a transaction is broken.
    }
    const end = isBroken(cause) || connection.inTransaction() ? "Broken" : "RolledBack"
    return { answers: batch.map((write) => [write, failure(cause)]), end }
  }
  const answers: Array<Outcome["answers"][number]> = []
  for (const write of batch) {
    try {
      answers.push([write, Effect.succeed(connection.run(write.sql, write.params, write.read))])
    } catch (cause) {
      if (!connection.inTransaction() || endsTransaction(cause)) return abandon(cause)
      answers.push([write, failure(cause)])
    }
  }
  try {
    connection.run("COMMIT", [], "Rows")
    return { answers, end: "Committed" }
  } catch (cause) {
    return abandon(cause)
  }
}

/**
 * The one writer of a file. `connect` opens its connection, at first and after a failure of the disk; it throws what
 * SQLite throws. When the scope ends, the writes that wait are finished, the log is put into the database file, and
 * the connection is closed.
 */
export const make = (connect: () => SqliteConnection): Effect.Effect<SqliteWriter, SqlError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => open(connect, connect()),
      catch: (cause) => new SqlError({ cause, message: "not opened" })
    }),
    ({ close }) => close
  )

const open = (connect: () => SqliteConnection, first: SqliteConnection) => {
  let connection: SqliteConnection | undefined = first
  const waiting = new Set<Write>()
  let commits = 0
  let scheduled = false
  let attempts = 0
  let closed = false
  let onIdle: () => void = () => {}

  const schedule = () => {
    if (scheduled || waiting.size === 0) return
    scheduled = true
    setImmediate(flush)
  }

  /** Takes writes out of the queue: from here on they have their answer coming, and cannot be dropped. */
  const take = (atMost: number, which: (write: Write) => boolean = () => true): Array<Write> => {
    const taken: Array<Write> = []
    for (const write of waiting) {
      if (taken.length === atMost) break
      if (which(write)) taken.push(write)
    }
    for (const write of taken) waiting.delete(write)
    return taken
  }

  const disconnect = () => {
    try {
      connection?.close()
    } catch {
      // There is nothing more to be done with it.
    }
    connection = undefined
  }

  const flush = () => {
    scheduled = false
    if (waiting.size === 0) return rest()
    try {
      connection ??= connect()
      connection.run("BEGIN IMMEDIATE", [], "Rows")
    } catch (cause) {
      return isBusy(cause) ? wait(cause) : refuse(cause)
    }
    attempts = 0
    const { answers, end } = finish(connection, take(maxBatch))
    if (end === "Committed") commits++
    if (end === "Broken") disconnect()
    for (const [write, answer] of answers) write.answer(answer)
    rest()
  }

  /** Somebody else holds the lock: whoever has waited for long enough is told, and the others go on waiting. */
  const wait = (cause: unknown) => {
    const now = performance.now()
    for (const { answer } of take(waiting.size, ({ deadline }) => deadline <= now)) answer(failure(cause))
    if (waiting.size === 0) return rest()
    scheduled = true
    // About the steps of SQLite's own busy handler, but the event loop runs.
    setTimeout(flush, Math.min(2 ** attempts++, 25))
  }

  /** No transaction can begin: everybody is told, and the next write tries again. */
  const refuse = (cause: unknown) => {
    if (isBroken(cause)) disconnect()
    for (const { answer } of take(waiting.size)) answer(failure(cause))
    rest()
  }

  const rest = () => {
    if (waiting.size > 0) return schedule()
    attempts = 0
    onIdle()
  }

  const write: SqliteWriter["write"] = (sql, params, read) =>
    Effect.async((resume) => {
      if (closed) return resume(failure(new Error("the database is closed")))
      const deadline = performance.now() + Duration.toMillis(patience)
      const write: Write = { sql, params, read, deadline, answer: resume }
      waiting.add(write)
      schedule()
      return Effect.sync(() => waiting.delete(write))
    })

  const idle = Effect.async<void>((resume) => {
    if (waiting.size === 0) return resume(Effect.void)
    onIdle = () => resume(Effect.void)
  })

  const close = Effect.sync(() => {
    closed = true
  }).pipe(
    Effect.zipRight(idle),
    Effect.zipRight(
      Effect.sync(() => {
        try {
          connection?.run("PRAGMA wal_checkpoint(TRUNCATE)", [], "Rows")
        } catch {
          // Then the log stays beside the file, and the next start reads it.
        }
        disconnect()
      })
    )
  )

  return { write, commits: Effect.sync(() => commits), close }
}
