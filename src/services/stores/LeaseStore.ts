/**
 * Leases: what one node at a time does. A lease spares the others the work, and is no lock: a node that slept through the
 * end of its lease goes on until it asks again. So whatever is done under one must do no harm when two do it.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

export interface Lease {
  readonly name: string
  /** Names the holder for as long as it lives, and nobody else. */
  readonly holder: string
}

export class LeaseStore extends Context.Tag("latchkey/LeaseStore")<
  LeaseStore,
  {
    /**
     * Take the lease, or hold it for longer: of any number of holders one at a time sees `true`, until it gives the lease
     * back or `now + length` has come. A lease that ends later than one taken now could is of a clock that was ahead, and
     * holds nobody up.
     */
    readonly take: (
      lease: Lease,
      now: DateTime.Utc,
      length: Duration.Duration
    ) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Give the lease back, and note when. Nothing happens to what another holds. */
    readonly release: (lease: Lease, now: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}
