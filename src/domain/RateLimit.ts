/**
 * Rate limits. A limit allows `quota` requests at once, and one more every `window / quota`: the generic cell rate algorithm
 * (ITU-T I.371), whose whole state is one instant.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"

/** A number of requests in a time. */
export interface Quota {
  /** Number of requests: a whole number, at most one for each millisecond of the window. */
  readonly quota: number
  readonly window: Duration.Duration
}

/** A named quota, and the treatment of requests that cannot be counted. */
export interface Limit extends Quota {
  readonly name: LimitName
  /** Whether a request is allowed while the limiter fails. */
  readonly whenUnavailable: "Allow" | "Refuse"
}

/** Names of limits. They count by client address (see `networkFactors`), except those whose name ends in `Client`. */
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

/** The limits of a server. A missing name is not limited. */
export type Limits = Partial<Readonly<Record<LimitName, Limit>>>

const limit = (
  name: LimitName,
  quota: number,
  window: Duration.DurationInput,
  whenUnavailable: Limit["whenUnavailable"] = "Allow"
): Limit => ({ name, quota, window: Duration.decode(window), whenUnavailable })

/**
 * The default limits. They are large enough for all users of an office behind one address, and small enough to stop a flood.
 * While the limiter fails, requests are answered without being counted, except registrations, because each adds a row.
 */
export const defaultLimits: Readonly<Record<LimitName, Limit>> = {
  /** The page and each of its buttons, for all users of an office at once. */
  account: limit("account", 300, "1 minute"),
  /** A program that manages accounts or clients makes some tens of calls a second. */
  api: limit("api", 1_200, "1 minute"),
  /** A login or a step-up makes about three of these requests. */
  authorize: limit("authorize", 300, "1 minute"),
  /** At most one for each request to `/authorize`. */
  consent: limit("consent", 300, "1 minute"),
  /** One operator creates the first account, and mistypes a few times. */
  firstAccount: limit("firstAccount", 30, "1 minute"),
  /** Several resource servers may share an address, and each may introspect every request of every user. */
  introspect: limit("introspect", 12_000, "1 minute"),
  /** By authenticated resource server or client: 100 requests a second, more than it needs with a cache of one second. */
  introspectClient: limit("introspectClient", 6_000, "1 minute"),
  /** In addition to the throttle of failed logins: a password hash is the most expensive work that a stranger can cause. */
  login: limit("login", 120, "1 minute"),
  /** The page and its button. */
  logout: limit("logout", 300, "1 minute"),
  /** Each adds a row. A client registers once on each machine; a poorly written client registers at each start. */
  register: limit("register", 60, "1 hour", "Refuse"),
  /** Even a /48, with 16 times this, cannot replace the 10,000 unused clients of `defaultMaxUnusedClients` in two days. */
  registerDaily: limit("registerDaily", 240, "1 day", "Refuse"),
  /** As many requests as tokens may be issued. */
  revoke: limit("revoke", 600, "1 minute"),
  /** By client that authenticates with a secret: as many requests as tokens may be issued to it. */
  revokeClient: limit("revokeClient", 1_200, "1 minute"),
  /** An agent gateway refreshes tokens of many users from one address. */
  token: limit("token", 600, "1 minute"),
  /** By client that authenticates with a secret. A `client_id` is public, so with it a stranger could use up the quota. */
  tokenClient: limit("tokenClient", 1_200, "1 minute")
}

/**
 * Factors for the quota of a limit by address, for the /64, /56 and /48 of an IPv6 address (an IPv4 address has only the
 * first). A /64 is one network. A /56 is one household or office (RFC 6177), which rarely uses more than four of its
 * networks at once. A /48 is one site, or a few customers of a provider. So the holder of a /48 gets 16 times the quota of
 * one network, and not 65,536 times.
 */
export const networkFactors = [1, 4, 16] as const

/** A network with its own limits by address. */
export interface NetworkLimit {
  /** A range of addresses in CIDR notation, such as `203.0.113.0/24`. */
  readonly network: string
  /** Factor for the quotas of each address of the network: a whole number from 1 to `maxFactor`; "off" counts no request. */
  readonly factor: number | "off"
}

/** Maximum factor of a network. A larger factor would hardly limit anything; "off" is the honest setting then. */
export const maxFactor = 1_000

/** Whether a value is a valid factor of a network. */
export const isFactor = (value: unknown): value is NetworkLimit["factor"] =>
  value === "off" || (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= maxFactor)

/**
 * Returns the limit for the network at this index of `ClientAddress.networks`, where 0 is the narrowest. `factor` is the factor
 * of a `NetworkLimit`.
 */
export const ofNetwork = (limit: Limit, index: number, factor = 1): Limit => ({
  ...limit,
  quota: Math.min(limit.quota * (networkFactors[index] ?? 1) * factor, Duration.toMillis(limit.window))
})

/** One quota against which a request is counted. */
export interface QuotaRequest<Q extends Quota = Limit> {
  readonly limit: Q
  /** The holder of the quota: 43 characters of base64url. */
  readonly key: string
}

/** The state of a quota after a request. */
export interface QuotaState {
  /** Number of further requests that it allows at once. */
  readonly remaining: number
  /** Time until it is full again. */
  readonly replenishedAfter: Duration.Duration
}

/** Whether a request is allowed, and the state of each of its quotas afterwards, in the order of the request. */
export type Decision = Data.TaggedEnum<{
  Allowed: { readonly quotas: ReadonlyArray<QuotaState> }
  Refused: {
    /** Time until every one of the quotas allows a request. */
    readonly retryAfter: Duration.Duration
    readonly quotas: ReadonlyArray<QuotaState>
  }
}>
export const Decision = Data.taggedEnum<Decision>()

/** Returns the milliseconds that one request takes from the quota: a whole number, so that sums are exact in every store. */
export const cost = ({ quota, window }: Quota): number => Math.ceil(Duration.toMillis(window) / quota)

/** Returns the milliseconds until an empty quota is full again. */
export const span = (limit: Quota): number => cost(limit) * limit.quota

/** The used milliseconds of a quota, from 0 to its `span`. */
export interface Owed {
  readonly limit: Quota
  readonly owed: number
}

/**
 * Returns the used milliseconds of a quota at `now`, from the instant at which it is, or was, full again (both in
 * milliseconds since 1970). An instant too far in the future comes from a clock that went back: it counts as an empty quota, so
 * that a clock change neither gives a client extra requests nor locks it out.
 */
export const owedAt = (limit: Quota, replenishedAt: number, now: number): number =>
  Math.min(Math.max(replenishedAt - now, 0), span(limit))

/** Returns the milliseconds until a quota allows one more request. */
const waitFor = ({ limit, owed }: Owed): number => Math.max(0, owed + cost(limit) - span(limit))

const stateOf = ({ limit, owed }: Owed): QuotaState => ({
  remaining: Math.floor((span(limit) - owed) / cost(limit)),
  replenishedAfter: Duration.millis(owed)
})

/** Returns the time until a quota in this state allows one more request. */
export const nextAfter = (limit: Quota, { replenishedAfter }: QuotaState): Duration.Duration =>
  Duration.millis(waitFor({ limit, owed: Duration.toMillis(replenishedAfter) }))

/** Decides on a request from the state of its quotas before it. The request takes one from each quota, or nothing from any. */
export const decide = (before: ReadonlyArray<Owed>): Decision => {
  const wait = Math.max(0, ...before.map(waitFor))
  return wait === 0
    ? Decision.Allowed({
        quotas: before.map(({ limit, owed }) => stateOf({ limit, owed: owed + cost(limit) }))
      })
    : Decision.Refused({ retryAfter: Duration.millis(wait), quotas: before.map(stateOf) })
}

/** Returns why a limit is invalid, as a sentence; `undefined` if it is valid. */
export const objection = ({ name, quota, window }: Limit): string | undefined => {
  if (!Duration.isFinite(window) || Duration.lessThan(window, "1 second")) {
    return `the window of the limit ${name} must be at least a second, and finite`
  }
  return Number.isInteger(quota) && quota >= 1 && quota <= Duration.toMillis(window)
    ? undefined
    : `the quota of the limit ${name} must be a whole number, from 1 to one for each millisecond`
}
