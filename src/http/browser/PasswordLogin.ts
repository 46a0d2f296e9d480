/** Checks a username and password from a browser behind the login throttle, and begins the session. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Account, cutUsername, Username } from "../../domain/Account.js"
import * as BrowserName from "../../domain/BrowserName.js"
import type { TooManyRequests } from "../../domain/HttpError.js"
import * as Issuer from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import { FailedLogins } from "../../services/accounts/FailedLogins.js"
import * as KnownBrowsers from "../../services/accounts/KnownBrowsers.js"
import { type Attempt, LoginThrottle } from "../../services/accounts/LoginThrottle.js"
import type { Applicant } from "../../services/accounts/PasswordHasher.js"
import { Sessions } from "../../services/accounts/Sessions.js"
import * as Metrics from "../../services/events/Metrics.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { Meter } from "../wire/RateLimits.js"
import * as Cookies from "./Cookies.js"

/** Returns the browser, if its device cookie proves an earlier login. */
export const knownBrowser = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const { issuer } = yield* ServerSettings
  const knownBrowsers = yield* KnownBrowsers.KnownBrowsers
  return yield* knownBrowsers.read(Cookies.read(request, issuer, "device"))
})

/** Returns an attempt with a username as it was typed. */
export const attempt = Effect.fnUntraced(function* (browser: Option.Option<KnownBrowsers.KnownBrowser>, typed: string) {
  const throttle = yield* LoginThrottle
  const { networks, share } = yield* Meter
  // An invalid username is counted too, so that the answers reveal nothing.
  const username = Option.getOrElse(Schema.decodeOption(Username)(typed), () => cutUsername(typed))
  return yield* throttle.recognise({ username, networks, share, browser })
})

/** Returns the account with the attempt's username and this password. Publishes a failed login. */
export const authenticate = Effect.fnUntraced(function* (attempt: Attempt, password: Redacted.Redacted) {
  const accounts = yield* Accounts
  const failedLogins = yield* FailedLogins
  const throttle = yield* LoginThrottle
  const username = Schema.decodeOption(Username)(attempt.username)
  const verify = (applicant: Applicant): Effect.Effect<Option.Option<Account>, TemporarilyUnavailable> =>
    Option.isNone(username) ? Effect.succeedNone : accounts.authenticate(username.value, password, applicant)
  const tried = yield* throttle.guard(attempt, verify)
  if (tried._tag === "Verified") return Option.some(tried.value)
  yield* failedLogins.publish(attempt.username, tried.pause)
  return Option.none()
})

/**
 * Returns the throttle's refusal as a `Left`, because a page shows it. The refusal is counted for the endpoint at `path`,
 * below the issuer.
 */
export const orThrottled = <A, R>(path: string, tried: Effect.Effect<A, TooManyRequests | TemporarilyUnavailable, R>) =>
  Effect.flatMap(ServerSettings, ({ issuer }) =>
    tried.pipe(
      Effect.map(Either.right),
      Effect.catchTag("TooManyRequests", (error) =>
        Effect.sync(() => {
          Metrics.countRefusal({ endpoint: Issuer.path(issuer) + path, error })
          return Either.left(error)
        })
      )
    )
  )

/** Begins a session for a user whose password was just verified, and marks the browser as known. */
export const begin = Effect.fnUntraced(function* (
  response: HttpServerResponse.HttpServerResponse,
  browser: Option.Option<KnownBrowsers.KnownBrowser>,
  account: Account
) {
  const knownBrowsers = yield* KnownBrowsers.KnownBrowsers
  const sessions = yield* Sessions
  const request = yield* HttpServerRequest.HttpServerRequest
  const { network } = yield* Meter
  const { issuer, lifetimes } = yield* ServerSettings
  const { secret } = yield* sessions.begin(account, {
    browser: BrowserName.read(request.headers["user-agent"]),
    network
  })
  const device = yield* knownBrowsers.remember(browser, account.id)
  return response.pipe(
    (response) => Cookies.set(response, issuer, "session", secret, lifetimes.session),
    (response) => Cookies.set(response, issuer, "device", device, KnownBrowsers.lifetime)
  )
})
