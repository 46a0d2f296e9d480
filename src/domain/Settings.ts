/**
 * The settings of a server, with defaults and their reasons (`RateLimit` has those of rate limits). Settings that contradict
 * each other are refused.
 */
import * as Duration from "effect/Duration"
import type { Brand } from "./Brand.js"
import type { Issuer } from "./Issuer.js"
import type { FromElsewhere } from "./NetworkTag.js"
import type { Limits, NetworkLimit } from "./RateLimit.js"
import type { Resource } from "./Resource.js"

/** Lifetimes, retention times and retry windows. */
export interface Lifetimes {
  /** Lifetime of an access token: a resource server that caches verifications may learn of a revocation this late. */
  readonly accessToken: Duration.Duration
  /** Lifetime of an authorization code: long enough for one redirect (at most 10 minutes, RFC 6749 §4.1.2). */
  readonly authorizationCode: Duration.Duration
  /** Lifetime of a refresh token that is not used. */
  readonly refreshTokenIdle: Duration.Duration
  /** Lifetime of a grant, from the approval, used or not. */
  readonly grant: Duration.Duration
  /** Lifetime of a login session. */
  readonly session: Duration.Duration
  /** Lifetime of a login or consent form. */
  readonly form: Duration.Duration
  /** Time in which a client that presents a superseded refresh token still gets the current one; 0 allows no retry. */
  readonly refreshWindow: Duration.Duration
  /** Time in which a second redemption of a code is a duplicate and not a replay; 0 is the SHOULD of RFC 6749 §4.1.2. */
  readonly codeWindow: Duration.Duration
  /** Time for which a root key seals, until the next key replaces it. */
  readonly key: Duration.Duration
  /** Time for which events are kept. */
  readonly events: Duration.Duration
  /** Time for which a self-registered client is kept that no user has allowed access. */
  readonly unusedClient: Duration.Duration
  /**
   * Time for which a self-registered client is kept that was used and has no grant left, since a user last allowed it access.
   * It is never shorter than the lifetime of a grant and the time for which its row is kept.
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
  // A user whose app has just registered uses it within minutes, so rows of strangers need not stay longer than a day.
  unusedClient: Duration.days(1),
  // Half a year after the latest possible end of its last grant. A client that returns later must register again, and not
  // every app does that by itself.
  abandonedClient: Duration.days(365)
}

const atMost = (value: Duration.Duration, limit: Duration.DurationInput) => Duration.lessThanOrEqualTo(value, limit)

/** Returns one sentence for each rule that the lifetimes break; empty if they are valid. */
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
 * Maximum number of self-registered clients that were never used. Each is a row that a stranger made. The larger the maximum,
 * the longer a stranger needs to displace a client that is about to be used (ADR 26). 10,000 rows take about 10 MB.
 */
export const defaultMaxUnusedClients = 10_000

/**
 * The clients that may register at `/register`: all (`Open`), those with an initial access token (`Token`), also those with a
 * software statement of a trusted issuer (`Statement`), or none (`Off`).
 */
export type RegistrationPolicy = "Open" | "Token" | "Statement" | "Off"

/** Open, because the users of MCP clients connect them without asking the operator: their consent protects the resources. */
export const defaultRegistration: RegistrationPolicy = "Open"

/** A JSON Web Key Set (RFC 7517 §5). */
export interface KeySet {
  readonly keys: ReadonlyArray<Readonly<Record<string, unknown>>>
}

/** An issuer of software statements that the operator trusts (RFC 7591 §2.3), and its keys or their URL. */
export interface StatementIssuer {
  readonly issuer: string
  readonly keys: KeySet | URL
}

/**
 * A retry from another network is an event, and not a replay. A phone that changes from Wi-Fi to a mobile network repeats a
 * request from another network, and so does a host with both IPv4 and IPv6: revoking the grant would log out honest users.
 */
export const defaultRetryFromElsewhere: FromElsewhere = "Allow"

/** The part of client addresses that logs and events hold: nothing, the network, which many clients share, or all of it. */
export type LogAddresses = "Off" | "Network" | "Full"

/** Off, because an address is personal data and events are kept for months. An operator may turn it on. */
export const defaultLogAddresses: LogAddresses = "Off"

/**
 * The clients that may ask users for access, apart from those that the operator created or approved: all of them, those whose
 * metadata documents are on listed hosts, or none until the operator approves them.
 */
export type ClientAdmission = "Open" | "Hosts" | "Approval"

/** All, because MCP clients are unknown to the server before they first ask a user, who then decides. */
export const defaultClientAdmission: ClientAdmission = "Open"
/** The requests that the server itself makes, for documents whose URLs strangers name. */
export interface Outbound {
  /** Whether the server makes such requests at all. */
  readonly isEnabled: boolean
  /**
   * The hosts to which it makes them: exact names, and `*.example.com` for all names below a domain. `undefined` allows every
   * public host.
   */
  readonly allowedHosts: ReadonlyArray<string> | undefined
}

/** Every public host: a client of the open web has its keys where it likes. Addresses of private networks are never allowed. */
export const defaultOutbound: Outbound = { isEnabled: true, allowedHosts: undefined }

/** Whether a text is a host pattern: a host name in lower case, or `*.` and a domain for all names below it. */
export const isHostPattern = (text: string): boolean =>
  /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(text) ||
  /^\[[0-9a-f:]+\]$/.test(text)

/** Whether one of the patterns names the host. */
export const isListedHost = (patterns: ReadonlyArray<string>, host: string): boolean =>
  patterns.some((pattern) => (pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern))

/** The checked settings of a server. */
export interface Settings {
  readonly issuer: Issuer
  readonly resources: ReadonlyArray<Resource>
  readonly lifetimes: Lifetimes
  /** Schemes without a dot that redirect URIs of any client may have (RFC 8252 §7.1 requires a dot). */
  readonly privateUseSchemes: ReadonlySet<string>
  /** Further schemes without a dot that redirect URIs of public clients may have: those of known apps. */
  readonly appSchemes: ReadonlySet<string>
  /**
   * Ranges of proxies (CIDR) whose `X-Forwarded-For`, `X-Forwarded-Host` and `X-Request-Id` are trusted. No other such header is
   * ever read.
   */
  readonly trustedProxies: ReadonlyArray<string>
  /** The rate limits of the endpoints (see `domain/RateLimit`). */
  readonly rateLimits: Limits
  /** Networks whose limits by address are larger or off. No range is repeated. */
  readonly networkLimits: ReadonlyArray<NetworkLimit>
  /** Whether a retried refresh or a duplicate redemption from another network is a replay, which revokes the grant. */
  readonly retryFromElsewhere: FromElsewhere
  readonly registration: RegistrationPolicy
  /** The issuers whose software statements are verified. No issuer is listed twice. */
  readonly softwareStatements: ReadonlyArray<StatementIssuer>
  /** Maximum number of self-registered clients that were never used, those with an initial access token not counted. */
  readonly maxUnusedClients: number
  /** Whether clients can be the URLs of their metadata documents (client ID metadata documents). */
  readonly clientDocuments: boolean
  /** The clients that may ask users for access, apart from those that the operator created or approved. */
  readonly clientAdmission: ClientAdmission
  /** Hosts of metadata documents that `clientAdmission` "Hosts" admits; `*.example.com` is every host below `example.com`. */
  readonly clientHosts: ReadonlyArray<string>
  /** Name, logo and colours of the pages. */
  readonly brand: Brand
  /** The part of client addresses that logs and events hold. A warning about a proxy always names its address. */
  readonly logAddresses: LogAddresses
  /** The requests that the server itself makes. */
  readonly outbound: Outbound
}
