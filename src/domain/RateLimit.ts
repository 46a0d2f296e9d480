/**
 * How many requests are heard in a while. A limit lets `quota` requests through at once, and gives one back every
 * `window / quota`: the generic cell rate algorithm (ITU-T I.371), whose whole state is one instant.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"

/** So many requests in so long. */
export interface Quota {
  /** Requests: a whole number, at most one for each millisecond of the window. */
  readonly quota: number
  readonly window: Duration.Duration
}

/** A limit: a quota, and what happens when it cannot be counted. */
export interface Limit extends Quota {
  readonly name: LimitName
  /** Whether a request is heard where the limiter fails. */
  readonly whenUnavailable: "Allow" | "Refuse"
}

/** What is limited. The client address counts as one for an IPv4 address and for a /64 of IPv6. */
export type LimitName = "authorize" | "login" | "register" | "registerDaily" | "token" | "tokenClient"

/** A server's limits; a name that is not there is not limited. */
export type Limits = Partial<Readonly<Record<LimitName, Limit>>>

const limit = (
  name: LimitName,
  quota: number,
  window: Duration.DurationInput,
  whenUnavailable: Limit["whenUnavailable"] = "Allow"
): Limit => ({ name, quota, window: Duration.decode(window), whenUnavailable })

/**
 * The defaults: what the people of a whole office behind one address need, and a flood does not. Where the limiter fails,
 * a server that answers is worth more than one that counts; but nobody registers uncounted, for that leaves rows behind.
 */
export const defaultLimits: Readonly<Record<LimitName, Limit>> = {
  /** By address: a login and a step-up are some three of these. */
  authorize: limit("authorize", 300, "1 minute"),
  /** By address, beside the throttle of failures: hashing a password is the dearest thing that a stranger can ask for. */
  login: limit("login", 120, "1 minute"),
  /** By address: each is a row; a client registers once for each machine, or badly made once for each start. */
  register: limit("register", 60, "1 hour", "Refuse"),
  /** By address: some forty addresses cannot fill the quota of unused clients in less than a day. */
  registerDaily: limit("registerDaily", 240, "1 day", "Refuse"),
  /** By address: an agent gateway that refreshes for many people does so from one. */
  token: limit("token", 600, "1 minute"),
  /** By client, once it has proved who it is: `client_id` alone is anybody's word, and would use up another's allotment. */
  tokenClient: limit("tokenClient", 1_200, "1 minute")
}

/** What becomes of a request. */
export type Decision = Data.TaggedEnum<{
  Allowed: {
    /** How many more would be heard at once. */
    readonly remaining: number
    /** When the whole quota is there again. */
    readonly replenishedAfter: Duration.Duration
  }
  Refused: {
    /** When the next request is heard. */
    readonly retryAfter: Duration.Duration
    readonly replenishedAfter: Duration.Duration
  }
}>
export const Decision = Data.taggedEnum<Decision>()

/** Milliseconds that one request takes out of the quota: whole ones, so that sums are exact in every store. */
export const cost = ({ quota, window }: Quota): number => Math.ceil(Duration.toMillis(window) / quota)

/** Milliseconds that the whole quota takes to come back. */
export const span = (limit: Quota): number => cost(limit) * limit.quota

/** What becomes of a request when so many milliseconds of the quota are used up, from nothing to its `span`. */
export const decide = (limit: Quota, owed: number): Decision => {
  const [each, whole] = [cost(limit), span(limit)]
  const then = owed + each
  return then <= whole
    ? Decision.Allowed({ remaining: Math.floor((whole - then) / each), replenishedAfter: Duration.millis(then) })
    : Decision.Refused({ retryAfter: Duration.millis(then - whole), replenishedAfter: Duration.millis(owed) })
}

/**
 * One request at `now` (epoch milliseconds) against the instant at which the quota is, or was, whole again: what becomes
 * of it, and that instant afterwards. A refused request takes nothing. An instant further away than the quota reaches
 * comes of a clock that went back: it counts as a quota used up, so that this grants nothing, and locks nobody out.
 */
export const consume = (
  limit: Quota,
  replenishedAt: number,
  now: number
): readonly [decision: Decision, replenishedAt: number] => {
  const owed = Math.min(Math.max(replenishedAt - now, 0), span(limit))
  const decision = decide(limit, owed)
  return [decision, now + (Decision.$is("Allowed")(decision) ? owed + cost(limit) : owed)]
}

/** Why this can be no limit, in a sentence; `undefined` when it can. */
export const objection = ({ name, quota, window }: Limit): string | undefined => {
  if (!Duration.isFinite(window) || Duration.lessThan(window, "1 second")) {
    return `the window of the limit ${name} must be at least a second, and finite`
  }
  return Number.isInteger(quota) && quota >= 1 && quota <= Duration.toMillis(window)
    ? undefined
    : `the quota of the limit ${name} must be a whole number, from 1 to one for each millisecond`
}
