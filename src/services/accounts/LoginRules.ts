/**
 * The rules of the counters of failed logins (ADR 27). A counter that an attacker keeps paused lets one attempt through per
 * `forgetsEvery`. That time is longer for a narrow network than for a wider one, and longer for every network than for a
 * username. So an attacker in one network cannot keep a wider network, or a username, paused.
 */
import type { Rule } from "../../domain/FailureCounter.js"

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

/** Returns a rule that allows `factor` times as many failures, at once and per day. */
export const multiplied = ({ firstPause, forgetsEvery, free }: Rule, factor: number): Rule => ({
  free: free * factor,
  firstPause,
  forgetsEvery: Math.max(firstPause, Math.ceil(forgetsEvery / factor))
})
