/**
 * Whether a database works. On a disk that is nearly full a small write succeeds where others fail. So a failure is remembered
 * until a probe has succeeded, which writes as much as a group of requests does. Damage, a missing privilege and a failed read
 * concern some tables or pages only, and the probe need not touch those: such a failure is remembered until the restart.
 */
import * as Effect from "effect/Effect"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Outage } from "../../services/stores/Storage.js"
import { codeOf } from "./ErrorCode.js"

/** The errors that stay until somebody acts, by their codes; what to do about each, and what ends it. */
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

/** Bytes that the probe writes: more than a transaction of 64 small writes. */
export const probeSize = 256 * 1024

/** The answer to a check after a failure that only a restart ends. */
const broken = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })

export interface WriteHealth {
  /** Notes the error of a statement; one that says nothing of the database's health changes nothing. */
  readonly note: (cause: unknown) => void
  /** Fails during an outage: one that a write can end is tried by the probe, and is forgotten once that succeeds. */
  readonly check: Effect.Effect<void, TemporarilyUnavailable>
  /** Waits until an outage begins; answers why. */
  readonly outage: Effect.Effect<Outage>
}

/** What is known of a database, whose probe is given; the probe fails as other writes do. */
export const make = (probe: Effect.Effect<void, TemporarilyUnavailable>): WriteHealth => {
  let current: Outage | undefined
  const isFailing = Effect.unsafeMakeLatch(false)
  const alone = Effect.unsafeMakeSemaphore(1).withPermits(1)

  const note = (cause: unknown) => {
    const code = codeOf(cause)
    const entry = table.find(([codes]) => codes.test(code))
    // The probe's own failures, and those of requests meanwhile, do not shorten an outage.
    if (entry === undefined || current?.lastsUntil === "Restart") return
    const [, remedy, lastsUntil] = entry
    current = { code, message: cause instanceof Error ? cause.message : "", remedy, lastsUntil }
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
        if (outage === undefined) return Effect.void
        return outage.lastsUntil === "Restart" ? broken : Effect.zipRight(probe, forget(outage))
      })
    ),
    outage
  }
}
