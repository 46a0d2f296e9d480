/**
 * Tracks whether writes to a database work. On a disk that is nearly full a small write may succeed while larger writes fail.
 * So an outage lasts until a probe succeeds that writes as much as a group of requests. Damage, a missing privilege and a
 * failed read affect only some tables or pages, which the probe may not touch. Such an outage lasts until the restart.
 */
import * as Effect from "effect/Effect"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Outage } from "../../services/stores/Storage.js"
import { codeOf } from "../files/ErrorCode.js"

/** Error codes that stay until the operator acts, with the remedy and the event that ends the outage. */
const table: ReadonlyArray<readonly [codes: RegExp, remedy: string, lastsUntil: Outage["lastsUntil"]]> = [
  [/^SQLITE_FULL$/, "the disk is full: free space on it", "Write"],
  [/^SQLITE_READONLY(_|$)/, "the file or its disk is read-only: make it writable", "Write"],
  [/^SQLITE_IOERR_(READ|DATA|CORRUPTFS)$/, "the disk cannot be read: check its health, and restart", "Restart"],
  [/^SQLITE_IOERR(_|$)/, "the disk reports errors: check its space, its quota and its health", "Write"],
  [
    /^SQLITE_(CANTOPEN|PERM|AUTH)(_|$)/,
    "a file cannot be opened: check its permissions and the limit of open files",
    "Write"
  ],
  [/^SQLITE_(CORRUPT|NOTADB)(_|$)/, "the file is damaged: restore a backup, and restart", "Restart"],
  // https://www.postgresql.org/docs/current/errcodes-appendix.html
  [/^53100$/, "the disk of the database server is full: free space on it", "Write"],
  [/^(25006|READ_ONLY)$/, "the database server is a standby or read-only: use the primary", "Write"],
  [/^42501$/, "the user of the database lacks a privilege: grant it, and restart", "Restart"],
  [/^58(000|030)$/, "the disk of the database server reports errors: check its health", "Write"],
  [/^XX00[12]$/, "the database is damaged: restore a backup, and restart", "Restart"]
]

/** Number of bytes that the probe writes: more than a transaction of 64 small writes. */
export const probeSize = 256 * 1024

/** The error of a check during an outage that only a restart ends. */
const broken = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })

export interface WriteHealth {
  /** Records the error of a statement. An error that does not mean an outage changes nothing. */
  readonly note: (cause: unknown) => void
  /** Fails during an outage. If a write can end the outage, runs the probe, and succeeds when the probe does. */
  readonly check: Effect.Effect<void, TemporarilyUnavailable>
  /** Waits until an outage begins, and returns it. */
  readonly outage: Effect.Effect<Outage>
}

/** Returns the health of a database. The probe fails as other writes do. */
export const make = (probe: Effect.Effect<void, TemporarilyUnavailable>): WriteHealth => {
  let current: Outage | undefined
  const isFailing = Effect.unsafeMakeLatch(false)
  const alone = Effect.unsafeMakeSemaphore(1).withPermits(1)

  const note = (cause: unknown) => {
    const code = codeOf(cause)
    const entry = table.find(([codes]) => codes.test(code))
    // Failures during an outage do not shorten it.
    if (entry === undefined || current?.lastsUntil === "Restart") return
    const [, remedy, lastsUntil] = entry
    current = { code, message: cause instanceof Error ? cause.message : "", remedy, lastsUntil }
    isFailing.unsafeOpen()
  }

  const forget = (outage: Outage) =>
    Effect.sync(() => {
      // Another write has failed since the probe began.
      if (current !== outage) return
      current = undefined
      isFailing.unsafeClose()
    })

  // The outage may end before this fiber runs.
  const outage: Effect.Effect<Outage> = Effect.flatMap(isFailing.await, () =>
    current === undefined ? outage : Effect.succeed(current)
  )

  return {
    note,
    check: alone(
      Effect.suspend(() => {
        const outage = current
        if (outage === undefined) return Effect.void
        return outage.lastsUntil === "Restart" ? broken : Effect.zipRight(probe, forget(outage))
      })
    ),
    outage
  }
}
