/**
 * The counters of one login attempt, and their rules (ADR 27). A counter that an attacker keeps paused lets one attempt
 * through per `forgetsEvery`. That time is longer for a narrow network than for a wider one, and longer for every network
 * than for a username. So an attacker in one network cannot keep a wider network, or a username, paused.
 */
import type { ThrottleReason } from "../../domain/Event.js"
import type { Rule } from "../../domain/FailureCounter.js"
import { hmac } from "../keys/Crypto.js"
import { bucketsPerKind } from "../stores/LoginCounters.js"

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

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/**
 * The rule of a username, for all unknown browsers together: 9 guesses at once and 96 a day, from any number of networks.
 * After two hours without a failure all free attempts are available again.
 */
export const nameRule: Rule = { free: 8, firstPause: second, forgetsEvery: 15 * minute }

/**
 * The rules of a username in one network (an IPv4 address or a /64; a /56; a /48). They have fewer free failures than the
 * username, so the attacker's network is paused first. A counter that is kept paused lets 4, 8 and 16 attempts a day through.
 */
export const pairRules = [
  { free: 4, firstPause: 10 * second, forgetsEvery: 6 * hour },
  { free: 5, firstPause: 10 * second, forgetsEvery: 3 * hour },
  { free: 6, firstPause: 10 * second, forgetsEvery: 1.5 * hour }
] as const satisfies ReadonlyArray<Rule>

/**
 * The rules of a network with any username, for the same three sizes. The network may be an office or a provider's proxy. A
 * counter that is kept paused lets 240, 480 and 960 attempts a day through.
 */
export const networkRules = [
  { free: 50, firstPause: second, forgetsEvery: 6 * minute },
  { free: 100, firstPause: second, forgetsEvery: 3 * minute },
  { free: 200, firstPause: second, forgetsEvery: 1.5 * minute }
] as const satisfies ReadonlyArray<Rule>

/** The rule of a known browser. It allows for typing errors of its owner, and limits a thief of the device cookie. */
export const deviceRule: Rule = { free: 5, firstPause: minute, forgetsEvery: hour }

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

/** Returns a rule that allows `factor` times as many failures, at once and per day. */
const multiplied = ({ firstPause, forgetsEvery, free }: Rule, factor: number): Rule => ({
  free: free * factor,
  firstPause,
  forgetsEvery: Math.max(firstPause, Math.ceil(forgetsEvery / factor))
})
