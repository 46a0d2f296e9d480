/**
 * Whether a database stores what is written. On a disk that is nearly full a small write succeeds where others fail. So a
 * failure is remembered until a probe has succeeded, which writes as much as a group of requests does.
 */
import * as Effect from "effect/Effect"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Outage } from "../../services/Storage.js"
import { codeOf } from "./SqliteError.js"

/** The errors after which writes fail until somebody acts, by their codes, and what to do about each. */
const table: ReadonlyArray<readonly [codes: RegExp, remedy: string]> = [
  [/^SQLITE_FULL$/, "the disk is full: free space on it"],
  [/^SQLITE_READONLY(_|$)/, "the file or its disk is read-only: make it writable"],
  [/^SQLITE_IOERR(_|$)/, "the disk reports errors: check its space, its quota and its health"],
  [/^SQLITE_(CANTOPEN|PERM|AUTH)(_|$)/, "a file cannot be opened: check its permissions and the limit of open files"],
  [/^SQLITE_(CORRUPT|NOTADB)(_|$)/, "the file is damaged: restore a backup"],
  // https://www.postgresql.org/docs/current/errcodes-appendix.html
  [/^53100$/, "the disk of the database server is full: free space on it"],
  [/^(25006|READ_ONLY)$/, "the database server is a standby or read-only: use the primary"],
  [/^42501$/, "the user of the database lacks a privilege: grant it"],
  [/^58(000|030)$/, "the disk of the database server reports errors: check its health"],
  [/^XX00[12]$/, "the database is damaged: restore a backup"]
]

/** Bytes that the probe writes: more than a transaction of 64 small writes. */
export const probeSize = 256 * 1024

export interface WriteHealth {
  /** Notes the error of a statement; one that says nothing of the database's health changes nothing. */
  readonly note: (cause: unknown) => void
  /** Fails while writes fail: what failed is tried again, by the probe, and is forgotten once that succeeds. */
  readonly check: Effect.Effect<void, TemporarilyUnavailable>
  /** Waits until writes fail; answers why. */
  readonly outage: Effect.Effect<Outage>
}

/** What is known of a database, whose probe is given; the probe fails as other writes do. */
export const make = (probe: Effect.Effect<void, TemporarilyUnavailable>): WriteHealth => {
  let current: Outage | undefined
  const isFailing = Effect.unsafeMakeLatch(false)
  const alone = Effect.unsafeMakeSemaphore(1).withPermits(1)

  const note = (cause: unknown) => {
    const code = codeOf(cause)
    const remedy = table.find(([codes]) => codes.test(code))?.[1]
    if (remedy === undefined) return
    current = { code, message: cause instanceof Error ? cause.message : "", remedy }
    isFailing.unsafeOpen()
  }

  const forget = (outage: Outage) =>
    Effect.sync(() => {
      // A write that failed meanwhile knows better.
      if (current !== outage) return
      current = undefined
      isFailing.unsafeClose()
    })

  // Between the opening of the latch and this fiber's turn the outage may be over.
  const outage: Effect.Effect<Outage> = Effect.flatMap(isFailing.await, () =>
    current === undefined ? outage : Effect.succeed(current)
  )

  return {
    note,
    check: alone(
      Effect.suspend(() => {
        const outage = current
        return outage === undefined ? Effect.void : Effect.zipRight(probe, forget(outage))
      })
    ),
    outage
  }
}
