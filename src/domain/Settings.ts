/** What an operator may set, with defaults and their reasons. Settings that contradict each other are refused. */
import * as Duration from "effect/Duration"
import type { Brand } from "./Brand.js"
import type { Issuer } from "./Issuer.js"
import type { FromElsewhere } from "./NetworkTag.js"
import type { Limits, NetworkLimit } from "./RateLimit.js"
import type { Resource } from "./Resource.js"

/** How long things live, and how forgiving the windows are. */
export interface Lifetimes {
  /** Access tokens: what a resource server that verifies offline may be late by. */
  readonly accessToken: Duration.Duration
  /** Authorization codes: one redirect long (RFC 6749 §4.1.2 says 10 minutes at most). */
  readonly authorizationCode: Duration.Duration
  /** Refresh tokens that nobody uses. */
  readonly refreshTokenIdle: Duration.Duration
  /** A grant, from the person's consent to its end, used or not. */
  readonly grant: Duration.Duration
  /** A login session. */
  readonly session: Duration.Duration
  /** A login or consent form, from being shown to being sent. */
  readonly form: Duration.Duration
  /** How long a superseded refresh token of an honest client still gets the current one; 0 is strict. */
  readonly refreshWindow: Duration.Duration
  /** How long a second redemption of a code is taken for a duplicate and not a replay; 0 is RFC 6749 §4.1.2's SHOULD. */
  readonly codeWindow: Duration.Duration
  /** A root key, from its making until the next takes its place. */
  readonly key: Duration.Duration
  /** How long what happened is kept. */
  readonly events: Duration.Duration
  /** How long a client is kept that registered itself and that nobody has allowed anything. */
  readonly unusedClient: Duration.Duration
  /**
   * How long a client is kept that registered itself, was used, and has no grant left: counted from the last time that
   * somebody allowed it something, and never less than a grant lives and is kept after its end.
   */
  readonly abandonedClient: Duration.Duration
}

/** The defaults. */
export const defaultLifetimes: Lifetimes = {
  accessToken: Duration.minutes(10),
  authorizationCode: Duration.seconds(60),
  refreshTokenIdle: Duration.days(30),
  grant: Duration.days(180),
  session: Duration.hours(12),
  form: Duration.minutes(10),
  refreshWindow: Duration.seconds(30),
  codeWindow: Duration.seconds(2),
  key: Duration.days(90),
  events: Duration.days(90),
  // A person who has just registered an app is a few minutes away from using it; strangers' rows need not outlive the day.
  unusedClient: Duration.days(1),
  // Half a year after the last grant can have ended. A client that comes back later must register again, which not every
  // app does by itself.
  abandonedClient: Duration.days(365)
}

const atMost = (value: Duration.Duration, limit: Duration.DurationInput) => Duration.lessThanOrEqualTo(value, limit)

/** What the settings contradict, one sentence each; empty when they are sound. */
export const objections = (lifetimes: Lifetimes): ReadonlyArray<string> => {
  const { accessToken, authorizationCode, codeWindow, form, grant, refreshTokenIdle, refreshWindow, session } =
    lifetimes
  const retentions = {
    key: lifetimes.key,
    events: lifetimes.events,
    unusedClient: lifetimes.unusedClient,
    abandonedClient: lifetimes.abandonedClient
  }
  const lives = { accessToken, authorizationCode, refreshTokenIdle, grant, session, form }
  const rules: ReadonlyArray<readonly [holds: boolean, sentence: string]> = [
    ...Object.entries(lives).map(
      ([name, life]) =>
        [
          Duration.isFinite(life) && !atMost(life, "999 millis"),
          `${name} must be at least a second, and finite`
        ] as const
    ),
    [atMost(authorizationCode, "10 minutes"), "authorizationCode must be at most 10 minutes (RFC 6749 §4.1.2)"],
    [atMost(form, "1 hour"), "form must be at most an hour"],
    [atMost(accessToken, refreshTokenIdle), "accessToken must not be longer than refreshTokenIdle"],
    [atMost(refreshTokenIdle, grant), "refreshTokenIdle must not be longer than grant"],
    [atMost(authorizationCode, grant), "authorizationCode must not be longer than grant"],
    [atMost(refreshWindow, "10 minutes"), "refreshWindow must be at most 10 minutes"],
    [Duration.lessThan(refreshWindow, refreshTokenIdle), "refreshWindow must be shorter than refreshTokenIdle"],
    [atMost(codeWindow, authorizationCode), "codeWindow must not be longer than authorizationCode"],
    ...Object.entries(retentions).map(
      ([name, life]) =>
        [
          Duration.isFinite(life) && Duration.greaterThanOrEqualTo(life, "1 hour"),
          `${name} must be at least an hour, and finite`
        ] as const
    )
  ]
  return rules.flatMap(([holds, sentence]) => (holds ? [] : [sentence]))
}

/**
 * Maximum number of clients that registered themselves and were never used: each is a row that a stranger made. The more
 * there may be, the longer a stranger needs to push out one that is about to be used (ADR 26); 10,000 take some 10 MB.
 */
export const defaultMaxUnusedClients = 10_000

/**
 * A phone that changes from Wi-Fi to a mobile network repeats a request from another network, and so does a host that has
 * both IPv4 and IPv6: revoking the grant would log honest people out. So such a retry is an event, and no replay.
 */
export const defaultRetryFromElsewhere: FromElsewhere = "Allow"

/** How much of clients' addresses logs and events hold: nothing, the network that many share, or all of it. */
export type LogAddresses = "Off" | "Network" | "Full"

/** An address is personal data, and events are kept for months: an operator who wants it says so. */
export const defaultLogAddresses: LogAddresses = "Off"

/** A server's settings, checked. */
export interface Settings {
  readonly issuer: Issuer
  readonly resources: ReadonlyArray<Resource>
  readonly lifetimes: Lifetimes
  /** Schemes without a dot that redirect URIs of any client may have (RFC 8252 §7.1 asks for a dot). */
  readonly privateUseSchemes: ReadonlySet<string>
  /** Schemes without a dot that redirect URIs of public clients may have beside these: those of known apps. */
  readonly appSchemes: ReadonlySet<string>
  /**
   * Ranges of proxies (CIDR) whose `X-Forwarded-For`, `X-Forwarded-Host` and `X-Request-Id` are believed. No other such header
   * is ever read.
   */
  readonly trustedProxies: ReadonlyArray<string>
  /** How often the endpoints may be called (see `domain/RateLimit`). */
  readonly rateLimits: Limits
  /** Networks whose limits by address are larger or off; no range is given twice. */
  readonly networkLimits: ReadonlyArray<NetworkLimit>
  /** Whether a retried refresh or a duplicate redemption from another network is a replay, which revokes the grant. */
  readonly retryFromElsewhere: FromElsewhere
  /** Maximum number of clients that registered themselves and were never used; with 0 nobody can register. */
  readonly maxUnusedClients: number
  /** The name, the logo and the colours on the pages. */
  readonly brand: Brand
  /** How much of clients' addresses logs and events hold. A warning about a proxy names its address whatever is set. */
  readonly logAddresses: LogAddresses
}
