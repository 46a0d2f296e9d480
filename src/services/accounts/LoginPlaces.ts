/**
 * The counters that one attempt to log in counts on, and their rules (ADR 27). A counter that is kept paused lets one
 * attempt through in `forgetsEvery`. That pace is slower for a narrow network than for a wider one, and slower for every
 * network than for a name: so an attacker in one network cannot keep a wider network, or a name, paused.
 */
import type { ThrottleReason } from "../../domain/Event.js"
import type { Rule } from "../../domain/FailureCounter.js"
import { hmac } from "../keys/Crypto.js"
import { bucketsPerKind } from "../stores/LoginCounters.js"

/** A counter of an attempt: its bucket, its rule, and what an event says when it begins a pause. */
export interface Place {
  readonly bucket: number
  readonly rule: Rule
  readonly reason: ThrottleReason
}

/** The networks of an attempt whose failures with any names are counted. */
export interface NetworkShare {
  /** The narrowest first; empty where the operator exempted the network. */
  readonly networks: ReadonlyArray<string>
  /** Multiplies the failures that they may have: a whole number, 1 or more. */
  readonly factor: number
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/**
 * Of a name, for all unknown browsers together: 9 guesses at once and 96 a day, however many networks they come from.
 * Two hours without one and the free ones are all there again.
 */
export const nameRule: Rule = { free: 8, firstPause: second, forgetsEvery: 15 * minute }

/**
 * Of a name from one network (an IPv4 address or a /64; a /56; a /48): fewer free failures than the name has, so the guesser's
 * network waits first. Kept paused, they let 4, 8 and 16 attempts a day through.
 */
export const pairRules = [
  { free: 4, firstPause: 10 * second, forgetsEvery: 6 * hour },
  { free: 5, firstPause: 10 * second, forgetsEvery: 3 * hour },
  { free: 6, firstPause: 10 * second, forgetsEvery: 1.5 * hour }
] as const satisfies ReadonlyArray<Rule>

/**
 * Of a network with any names (likewise): it may be an office or the proxy of a provider. Kept paused, they let 240, 480
 * and 960 attempts a day through.
 */
export const networkRules = [
  { free: 50, firstPause: second, forgetsEvery: 6 * minute },
  { free: 100, firstPause: second, forgetsEvery: 3 * minute },
  { free: 200, firstPause: second, forgetsEvery: 1.5 * minute }
] as const satisfies ReadonlyArray<Rule>

/** Of a known browser: what its owner mistypes, and what a stolen device cookie is good for. */
export const deviceRule: Rule = { free: 5, firstPause: minute, forgetsEvery: hour }

/** Each kind has buckets of its own. */
const kinds = { NameFailures: 0, PairFailures: 1, NetworkFailures: 2, DeviceFailures: 3 } as const

const placeOf = (key: Uint8Array, reason: ThrottleReason, rule: Rule, ...counted: ReadonlyArray<string>): Place => {
  const [high = 0, low = 0] = hmac(key, reason, ...counted)
  return { bucket: kinds[reason] * bucketsPerKind + high * 256 + low, rule, reason }
}

/** The counter of a known browser. */
export const ofDevice = (key: Uint8Array, device: string): Place => placeOf(key, "DeviceFailures", deviceRule, device)

/** The counter of a name. */
export const ofName = (key: Uint8Array, username: string): Place => placeOf(key, "NameFailures", nameRule, username)

/** The first and the last bucket of names. */
export const bucketsOfNames = [
  kinds.NameFailures * bucketsPerKind,
  (kinds.NameFailures + 1) * bucketsPerKind - 1
] as const

/**
 * The counters of a name with each of these networks, the narrowest first. They are other ones in each `generation` of the
 * name's counter, so to clear the name clears them all.
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

/** The counters of networks with any names, the narrowest first. */
export const ofNetworks = (key: Uint8Array, { factor, networks }: NetworkShare): ReadonlyArray<Place> =>
  networks
    .slice(0, networkRules.length)
    .map((network, i) =>
      placeOf(key, "NetworkFailures", multiplied(networkRules[i] ?? networkRules[0], factor), network)
    )

/** A rule that allows `factor` times as many failures, at once and in a day. */
const multiplied = ({ firstPause, forgetsEvery, free }: Rule, factor: number): Rule => ({
  free: free * factor,
  firstPause,
  forgetsEvery: Math.max(firstPause, Math.ceil(forgetsEvery / factor))
})
