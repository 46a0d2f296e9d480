/** The counters of one login attempt, each with its rule (see `LoginRules`). */
import type { ThrottleReason } from "../../domain/Event.js"
import type { Rule } from "../../domain/FailureCounter.js"
import { hmac } from "../keys/Crypto.js"
import { bucketsPerKind } from "../stores/LoginCounters.js"
import { deviceRule, multiplied, nameRule, networkRules, pairRules } from "./LoginRules.js"

/** A counter of an attempt: its bucket, its rule, and the reason in the event of a pause that it begins. */
export interface Place {
  readonly bucket: number
  readonly rule: Rule
  readonly reason: ThrottleReason
}

/** The networks of an attempt that count failures with any username. */
export interface NetworkShare {
  /** The narrowest network first; empty if the operator exempted the network. */
  readonly networks: ReadonlyArray<string>
  /** Factor by which these networks may fail more often: a whole number, at least 1. */
  readonly factor: number
}

/** Each kind of counter has its own buckets. */
const kinds = { NameFailures: 0, PairFailures: 1, NetworkFailures: 2, DeviceFailures: 3 } as const

const placeOf = (key: Uint8Array, reason: ThrottleReason, rule: Rule, ...counted: ReadonlyArray<string>): Place => {
  const [high = 0, low = 0] = hmac(key, reason, ...counted)
  return { bucket: kinds[reason] * bucketsPerKind + high * 256 + low, rule, reason }
}

/** Returns the counter of a known browser. */
export const ofDevice = (key: Uint8Array, device: string): Place => placeOf(key, "DeviceFailures", deviceRule, device)

/** Returns the counter of a username. */
export const ofName = (key: Uint8Array, username: string): Place => placeOf(key, "NameFailures", nameRule, username)

/** The first and the last bucket of usernames. */
export const bucketsOfNames = [
  kinds.NameFailures * bucketsPerKind,
  (kinds.NameFailures + 1) * bucketsPerKind - 1
] as const

/**
 * Returns the counters of a username in each of these networks, the narrowest first. Each `generation` of the username's
 * counter has its own, so clearing the username clears them all.
 */
export const ofPairs = (
  key: Uint8Array,
  networks: ReadonlyArray<string>,
  username: string,
  generation: number
): ReadonlyArray<Place> =>
  networks
    .slice(0, pairRules.length)
    .map((network, i) =>
      placeOf(key, "PairFailures", pairRules[i] ?? pairRules[0], username, String(generation), network)
    )

/** Returns the counters of networks with any username, the narrowest first. */
export const ofNetworks = (key: Uint8Array, { factor, networks }: NetworkShare): ReadonlyArray<Place> =>
  networks
    .slice(0, networkRules.length)
    .map((network, i) =>
      placeOf(key, "NetworkFailures", multiplied(networkRules[i] ?? networkRules[0], factor), network)
    )
