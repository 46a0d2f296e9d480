/**
 * A grant's chain of refresh tokens, as its row keeps it (ADR 6), and which superseded tokens may still be retried (ADR 7).
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Digest } from "./Digest.js"
import * as NetworkTag from "./NetworkTag.js"
import * as Time from "./Time.js"

/** The state of the chain. */
export interface Chain {
  /** The number of the current token; the first is 1. */
  readonly generation: number
  readonly digest: Digest
  /** The chain key, sealed. */
  readonly key: string
  /** When the current token was made. */
  readonly rotatedAt: DateTime.Utc
  /** The network of the rotation that made it; `None` for the first token, and where the network is not known. */
  readonly rotatedFrom: Option.Option<NetworkTag.NetworkTag>
  /** The present burst of rotations. */
  readonly burst: Option.Option<Burst>
  /** When the current token dies if nobody uses it. */
  readonly idleExpiresAt: DateTime.Utc
}

/** Rotations that follow one another within a window: the first of them superseded the token of `generation`. */
export interface Burst {
  readonly generation: number
  readonly beganAt: DateTime.Utc
  readonly beganFrom: Option.Option<NetworkTag.NetworkTag>
}

/** A presentation of a token of the chain. */
export interface Presentation {
  /** The presented token: its number, and the digest of it. */
  readonly generation: number
  readonly digest: Digest
  /** The digest of the token that follows it. */
  readonly successor: Digest
  readonly now: DateTime.Utc
  /** How long superseded tokens may still be retried. */
  readonly retryWindow: Duration.Duration
  /** The network of this request; `None` where it is not known. */
  readonly network: Option.Option<NetworkTag.NetworkTag>
  /** Whether a retry from another network than the rotation that it repeats is a replay. */
  readonly fromElsewhere: NetworkTag.FromElsewhere
  /** When the successor dies if nobody uses it. */
  readonly idleExpiresAt: DateTime.Utc
}

/** Maximum number of steps from a superseded token to the current one. */
export const maxRetrySteps = 64

/**
 * Whether a superseded token is one that honest clients may still hold: one of the present burst, for a window after
 * the burst began; or the one directly before the current, for a window after the last rotation.
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
 * Whether a retry comes from another network than the rotation that it repeats. The row knows the networks of two
 * rotations: the last one, and the first of the burst. A retry of one in between is from elsewhere where it is from
 * neither (ADR 29).
 */
export const isFromElsewhere = (self: Chain, { generation, network }: Presentation): boolean => {
  if (generation === self.generation - 1) return NetworkTag.isElsewhere(network, [self.rotatedFrom])
  const beganFrom = Option.flatMap(self.burst, (burst) => burst.beganFrom)
  const isFirst = Option.exists(self.burst, (burst) => burst.generation === generation)
  return NetworkTag.isElsewhere(network, isFirst ? [beganFrom] : [beganFrom, self.rotatedFrom])
}

/** The chain after a rotation: a rotation a window or more after the burst's beginning begins a new burst. */
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
