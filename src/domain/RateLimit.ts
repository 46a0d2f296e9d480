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

/** Names of limits, by client address (see `networkFactors`) except where the name ends in `Client`. */
export type LimitName =
  | "account"
  | "api"
  | "authorize"
  | "consent"
  | "firstAccount"
  | "introspect"
  | "introspectClient"
  | "login"
  | "logout"
  | "register"
  | "registerDaily"
  | "revoke"
  | "revokeClient"
  | "token"
  | "tokenClient"

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
  /** Opening the page and each button on it, for the people of an office at once. */
  account: limit("account", 300, "1 minute"),
  /** A program that manages accounts or clients does some tens of calls a second. */
  api: limit("api", 1_200, "1 minute"),
  /** A login and a step-up are some three of these. */
  authorize: limit("authorize", 300, "1 minute"),
  /** At most one for each `/authorize`. */
  consent: limit("consent", 300, "1 minute"),
  /** One person makes the first account, and mistypes it a few times. */
  firstAccount: limit("firstAccount", 30, "1 minute"),
  /** Several resource servers may share an address, and each may introspect every request of every user. */
  introspect: limit("introspect", 12_000, "1 minute"),
  /** By authenticated resource server or client: 100 requests a second, more than it needs if it caches for a second. */
  introspectClient: limit("introspectClient", 6_000, "1 minute"),
  /** Beside the throttle of failures: hashing a password is the dearest thing that a stranger can ask for. */
  login: limit("login", 120, "1 minute"),
  /** The page and its button. */
  logout: limit("logout", 300, "1 minute"),
  /** Each is a row; a client registers once for each machine, or badly made once for each start. */
  register: limit("register", 60, "1 hour", "Refuse"),
  /** A whole /48 (16 times this) cannot replace the 10,000 unused clients of `defaultMaxUnusedClients` in two days. */
  registerDaily: limit("registerDaily", 240, "1 day", "Refuse"),
  /** As many as tokens are issued. */
  revoke: limit("revoke", 600, "1 minute"),
  /** By client that authenticated with a secret: as many as tokens are issued to it. */
  revokeClient: limit("revokeClient", 1_200, "1 minute"),
  /** An agent gateway that refreshes for many people does so from one address. */
  token: limit("token", 600, "1 minute"),
  /** By client that authenticated with a secret: `client_id` alone is public, and would use up another's quota. */
  tokenClient: limit("tokenClient", 1_200, "1 minute")
}

/**
 * Factors by which the quota of a limit by address grows with the network: /64, /56 and /48 of IPv6 (an IPv4 address has
 * the first alone). A /64 is one network. A /56 is one household or office (RFC 6177), which seldom uses more than four
 * of its networks at once. A /48 is one site, or a few customers of a provider. So the holder of a /48 gets 16 times the
 * quota of one network, where 65,536 times would be there to take.
 */
export const networkFactors = [1, 4, 16] as const

/** A network whose limits by address differ from the others'. */
export interface NetworkLimit {
  /** A range of addresses in CIDR notation, such as `203.0.113.0/24`. */
  readonly network: string
  /** Multiplies the quotas of each address there: a whole number from 1 to `maxFactor`; "off" counts no request of it. */
  readonly factor: number | "off"
}

/** Maximum factor of a network: more is hardly a limit, and "off" says so. */
export const maxFactor = 1_000

/** Whether a network's quotas can be multiplied by this. */
export const isFactor = (value: unknown): value is NetworkLimit["factor"] =>
  value === "off" || (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= maxFactor)

/**
 * A limit for the network at this place of `ClientAddress.networks`, 0 being the narrowest; `factor` is that of a
 * `NetworkLimit`.
 */
export const ofNetwork = (limit: Limit, index: number, factor = 1): Limit => ({
  ...limit,
  quota: Math.min(limit.quota * (networkFactors[index] ?? 1) * factor, Duration.toMillis(limit.window))
})

/** One quota that a request is counted against. */
export interface Asked<Q extends Quota = Limit> {
  readonly limit: Q
  /** Whose quota: 43 characters of base64url. */
  readonly key: string
}

/** A quota after a request. */
export interface Standing {
  /** Number of further requests that it would allow at once. */
  readonly remaining: number
  /** Time until it is whole again. */
  readonly replenishedAfter: Duration.Duration
}

/** Whether a request is heard, and how each of its quotas stands afterwards, in the order in which they were asked. */
export type Decision = Data.TaggedEnum<{
  Allowed: { readonly standings: ReadonlyArray<Standing> }
  Refused: {
    /** Time until every one of the quotas allows a request. */
    readonly retryAfter: Duration.Duration
    readonly standings: ReadonlyArray<Standing>
  }
}>
export const Decision = Data.taggedEnum<Decision>()

/** Milliseconds that one request takes out of the quota: whole ones, so that sums are exact in every store. */
export const cost = ({ quota, window }: Quota): number => Math.ceil(Duration.toMillis(window) / quota)

/** Milliseconds that the whole quota takes to come back. */
export const span = (limit: Quota): number => cost(limit) * limit.quota

/** Milliseconds of a quota that are used up, from 0 to its `span`. */
export interface Owed {
  readonly limit: Quota
  readonly owed: number
}

/**
 * Milliseconds of a quota that are used up at `now`, by the instant at which it is, or was, whole again (both in epoch
 * milliseconds). An instant further away than the quota reaches comes of a clock that went back: it counts as a quota
 * used up, so that this grants nothing, and locks nobody out.
 */
export const owedAt = (limit: Quota, replenishedAt: number, now: number): number =>
  Math.min(Math.max(replenishedAt - now, 0), span(limit))

/** Milliseconds until a quota allows one more request. */
const waitFor = ({ limit, owed }: Owed): number => Math.max(0, owed + cost(limit) - span(limit))

const standingOf = ({ limit, owed }: Owed): Standing => ({
  remaining: Math.floor((span(limit) - owed) / cost(limit)),
  replenishedAfter: Duration.millis(owed)
})

/** Time until a quota that stands so allows one more request. */
export const nextAfter = (limit: Quota, { replenishedAfter }: Standing): Duration.Duration =>
  Duration.millis(waitFor({ limit, owed: Duration.toMillis(replenishedAfter) }))

/** A request against quotas as they stood before it: it takes one from each of them, or nothing from any. */
export const decide = (before: ReadonlyArray<Owed>): Decision => {
  const wait = Math.max(0, ...before.map(waitFor))
  return wait === 0
    ? Decision.Allowed({
        standings: before.map(({ limit, owed }) => standingOf({ limit, owed: owed + cost(limit) }))
      })
    : Decision.Refused({ retryAfter: Duration.millis(wait), standings: before.map(standingOf) })
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
