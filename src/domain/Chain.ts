/**
 * The chain of refresh tokens of a grant, as its row stores it (ADR 6), and the rule which superseded tokens may still be
 * retried (ADR 7).
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Digest } from "./Digest.js"
import * as NetworkTag from "./NetworkTag.js"
import * as Time from "./Time.js"

/** The state of the chain. */
export interface Chain {
  /** Number of the current token; the first is 1. */
  readonly generation: number
  readonly digest: Digest
  /** The sealed chain key. */
  readonly key: string
  /** Time at which the current token was made. */
  readonly rotatedAt: DateTime.Utc
  /** Network of the rotation that made it; `None` for the first token, and for an unknown network. */
  readonly rotatedFrom: Option.Option<NetworkTag.NetworkTag>
  /** The present burst of rotations. */
  readonly burst: Option.Option<Burst>
  /** Time at which the current token expires if it is not used. */
  readonly idleExpiresAt: DateTime.Utc
}

/** A series of rotations within one window. The first of them superseded the token of `generation`. */
export interface Burst {
  readonly generation: number
  readonly beganAt: DateTime.Utc
  readonly beganFrom: Option.Option<NetworkTag.NetworkTag>
}

/** A presentation of a token of the chain. */
export interface Presentation {
  /** Number and digest of the presented token. */
  readonly generation: number
  readonly digest: Digest
  /** Digest of the token that follows it. */
  readonly successor: Digest
  readonly now: DateTime.Utc
  /** Time for which superseded tokens may still be retried. */
  readonly retryWindow: Duration.Duration
  /** Network of this request; `None` if it is not known. */
  readonly network: Option.Option<NetworkTag.NetworkTag>
  /** Whether a retry from another network than the rotation that it repeats is a replay. */
  readonly fromElsewhere: NetworkTag.FromElsewhere
  /** Time at which the successor expires if it is not used. */
  readonly idleExpiresAt: DateTime.Utc
}

/** Maximum number of steps from a superseded token to the current one. */
export const maxRetrySteps = 64

/**
 * Whether an honest client may still hold a superseded token. It may hold a token of the present burst for a window after
 * the burst began, and the token directly before the current one for a window after the last rotation.
 */
export const isRetry = (self: Chain, presented: Presentation): boolean =>
  self.generation - presented.generation <= maxRetrySteps &&
  ((presented.generation === self.generation - 1 &&
    Time.isWithin(presented.now, self.rotatedAt, presented.retryWindow)) ||
    Option.exists(
      self.burst,
      ({ beganAt, generation }) =>
        presented.generation >= generation && Time.isWithin(presented.now, beganAt, presented.retryWindow)
    ))

/**
 * Whether a retry comes from another network than the rotation that it repeats. The row holds the networks of two
 * rotations: the last one, and the first of the burst. A retry of a rotation in between is from elsewhere if it comes from
 * neither network (ADR 29).
 */
export const isFromElsewhere = (self: Chain, { generation, network }: Presentation): boolean => {
  if (generation === self.generation - 1) return NetworkTag.isElsewhere(network, [self.rotatedFrom])
  const beganFrom = Option.flatMap(self.burst, (burst) => burst.beganFrom)
  const isFirst = Option.exists(self.burst, (burst) => burst.generation === generation)
  return NetworkTag.isElsewhere(network, isFirst ? [beganFrom] : [beganFrom, self.rotatedFrom])
}

/** Returns the chain after a rotation. A rotation later than a window after the start of the burst begins a new burst. */
export const rotated = (self: Chain, presented: Presentation): Chain => ({
  ...self,
  generation: self.generation + 1,
  digest: presented.successor,
  rotatedAt: presented.now,
  rotatedFrom: presented.network,
  burst: Option.orElseSome(
    Option.filter(self.burst, ({ beganAt }) => Time.isWithin(presented.now, beganAt, presented.retryWindow)),
    () => ({ generation: self.generation, beganAt: presented.now, beganFrom: presented.network })
  ),
  idleExpiresAt: presented.idleExpiresAt
})
