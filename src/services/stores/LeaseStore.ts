/**
 * Leases: one node at a time does a piece of work. A lease saves the other nodes the work; it is not a lock. A node that is
 * suspended past the end of its lease continues until it asks again. So work under a lease must be harmless when two nodes
 * do it at once.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

export interface Lease {
  readonly name: string
  /** Identifies the holder. No other holder ever has this value. */
  readonly holder: string
}

export class LeaseStore extends Context.Tag("latchkey/LeaseStore")<
  LeaseStore,
  {
    /**
     * Take or extend the lease. One of any number of holders at a time sees `true`, until it releases the lease or until
     * `now + length`. A lease that expires much later than `now + length` was written by a fast clock and is ignored.
     */
    readonly take: (
      lease: Lease,
      now: DateTime.Utc,
      length: Duration.Duration
    ) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Release the lease and store the time. Changes nothing if another holder has the lease. */
    readonly release: (lease: Lease, now: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

/** For a storage without leases: every node always holds every lease, so each node does all of the work. */
export const noop: Context.Tag.Service<LeaseStore> = {
  take: () => Effect.succeed(true),
  release: () => Effect.void
}
