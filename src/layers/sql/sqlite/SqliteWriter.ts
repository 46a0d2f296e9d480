/**
 * Group commit: the writes of many callers share one transaction, and so one flush to the disk (design §4).
 *
 * Writes that arrive in the same turn of the event loop form a batch. A batch is one synchronous function: BEGIN IMMEDIATE,
 * the statements, COMMIT. Callers get their answers after the commit, so an answer is durable. The failures, and their effects:
 *
 * - A statement fails and the transaction is still open: this write fails, and the others are committed.
 * - The transaction ends, or COMMIT fails: every write of the batch fails, and nothing is stored.
 * - The disk fails: its content is unknown. The connection is closed, and opened again before the next write, so that no write
 *   depends on a page that was never stored.
 * - Another process has the lock: the event loop continues, and the batch is retried until each write has waited for
 *   `patience`.
 *
 * A write whose caller was interrupted is dropped if its batch has not begun, and never afterwards.
 */
import { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"
import { isBusy } from "../../files/ErrorCode.js"
import type { Read, SqliteConnection } from "./SqliteConnection.js"
import { endsTransaction, isBroken, patience } from "./SqliteError.js"

/** Maximum number of writes in one transaction. It limits how long a transaction blocks the event loop. */
export const maxBatch = 64

export interface SqliteWriter {
  /** Runs one statement in the next transaction, and returns its result after the commit. */
  readonly write: (sql: string, params: ReadonlyArray<unknown>, read: Read) => Effect.Effect<unknown, SqlError>
  /** Number of committed transactions. */
  readonly commits: Effect.Effect<number>
  /**
   * A number that changes with every commit that may revoke access: of this writer, unless all its statements are harmless,
   * and of every other connection to the file, of other processes too. `undefined` while the file cannot be read.
   */
  readonly revision: () => number | undefined
}

interface Write {
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
  readonly read: Read
  /** The time, on the monotonic clock, when the wait for the lock of another process ends. */
  readonly deadline: number
  /** Whether the caller was interrupted, and waits no more. */
  readonly isDropped: () => boolean
  readonly answer: (outcome: Effect.Effect<unknown, SqlError>) => void
}

const failure = (cause: unknown) => Effect.fail(new SqlError({ cause, message: "the write failed" }))

interface Outcome {
  /** The answer to each write of the batch. */
  readonly answers: ReadonlyArray<readonly [write: Write, answer: Effect.Effect<unknown, SqlError>]>
  /** Whether the transaction was committed or rolled back, or whether the connection is broken. */
  readonly end: "Committed" | "RolledBack" | "Broken"
}

/** Completes a transaction that has begun. */
const finish = (connection: SqliteConnection, batch: ReadonlyArray<Write>): Outcome => {
  const abandon = (cause: unknown): Outcome => {
    try {
      if (connection.inTransaction()) connection.run("ROLLBACK", [], "Rows")
    } catch {
      // The first cause is more useful. A connection that is still in a transaction is broken.
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

export interface Options {
  /** The statements that never revoke access. */
  readonly harmless?: ReadonlySet<string>
  /** Is called after each commit with its number of writes. */
  readonly onCommit?: ((writes: number) => void) | undefined
}

/**
 * Makes the only writer of a file. `connect` opens its connection at first and after a failure of the disk, and throws the
 * exceptions of SQLite. When the scope ends, the waiting writes are completed, the log is merged into the database file, and
 * the connection is closed.
 */
export const make = (
  connect: () => SqliteConnection,
  options: Options = {}
): Effect.Effect<SqliteWriter, SqlError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => open(connect, connect(), options),
      catch: (cause) => new SqlError({ cause, message: "the database was not opened" })
    }),
    ({ close }) => close
  )

const open = (
  connect: () => SqliteConnection,
  first: SqliteConnection,
  { harmless = new Set(), onCommit = () => {} }: Options
) => {
  let connection: SqliteConnection | undefined = first
  // An array and no set, whose replaced tables would keep answered requests in memory (see `node/OpenResponses`).
  let waiting: Array<Write> = []
  let commits = 0
  let revision = 0
  let dataVersion: number | undefined
  let scheduled = false
  let attempts = 0
  let closed = false
  let onIdle: () => void = () => {}

  const schedule = () => {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    setImmediate(flush)
  }

  /** Removes writes from the queue. From then on they get an answer and cannot be dropped. */
  const take = (atMost: number): Array<Write> => {
    const taken = waiting.slice(0, atMost)
    waiting = waiting.slice(atMost)
    return taken
  }

  const disconnect = () => {
    try {
      connection?.close()
    } catch {
      // A connection that cannot be closed is not used again.
    }
    connection = undefined
    // Another connection counts the changes of the file from another number on.
    dataVersion = undefined
  }

  const flush = () => {
    scheduled = false
    if (waiting.some(({ isDropped }) => isDropped())) waiting = waiting.filter(({ isDropped }) => !isDropped())
    if (waiting.length === 0) return rest()
    try {
      connection ??= connect()
      connection.run("BEGIN IMMEDIATE", [], "Rows")
    } catch (cause) {
      return isBusy(cause) ? wait(cause) : refuse(cause)
    }
    attempts = 0
    const batch = take(maxBatch)
    const { answers, end } = finish(connection, batch)
    // Whatever became of the transaction.
    if (batch.some(({ sql }) => !harmless.has(sql))) revision++
    if (end === "Committed") {
      commits++
      onCommit(batch.length)
    }
    if (end === "Broken") disconnect()
    for (const [write, answer] of answers) write.answer(answer)
    rest()
  }

  /** Another process has the lock. Writes past their deadline fail, and the others wait on. */
  const wait = (cause: unknown) => {
    const now = performance.now()
    const late = waiting.filter(({ deadline }) => deadline <= now)
    waiting = waiting.filter(({ deadline }) => deadline > now)
    for (const { answer } of late) answer(failure(cause))
    if (waiting.length === 0) return rest()
    scheduled = true
    // Similar to the intervals of SQLite's busy handler, but the event loop runs.
    setTimeout(flush, Math.min(2 ** attempts++, 25))
  }

  /** No transaction can begin. All waiting writes fail, and the next write tries again. */
  const refuse = (cause: unknown) => {
    if (isBroken(cause)) disconnect()
    for (const { answer } of take(waiting.length)) answer(failure(cause))
    rest()
  }

  const rest = () => {
    if (waiting.length > 0) return schedule()
    attempts = 0
    onIdle()
  }

  const write: SqliteWriter["write"] = (sql, params, read) =>
    Effect.withFiberRuntime((fiber, { runtimeFlags }) => {
      // An effect that deletes the write would cost more than all the rest of it.
      const isDropped = RuntimeFlags.interruption(runtimeFlags)
        ? () => !Cause.isEmptyType(fiber.getFiberRef(FiberRef.interruptedCause))
        : () => false
      return Effect.async<unknown, SqlError>((resume) => {
        if (closed) return resume(failure(new Error("the database is closed")))
        const deadline = performance.now() + Duration.toMillis(patience)
        waiting.push({ sql, params, read, deadline, isDropped, answer: resume })
        schedule()
      })
    })

  const idle = Effect.async<void>((resume) => {
    if (waiting.length === 0) return resume(Effect.void)
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
          // The log stays, and the next start reads it.
        }
        disconnect()
      })
    )
  )

  const readRevision = (): number | undefined => {
    try {
      const version = connection?.dataVersion()
      if (version === undefined) return undefined
      if (version !== dataVersion) revision++
      dataVersion = version
      return revision
    } catch {
      return undefined
    }
  }

  return { write, commits: Effect.sync(() => commits), revision: readRevision, close }
}
