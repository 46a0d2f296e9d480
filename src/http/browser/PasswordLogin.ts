/** A name and a password from a browser: checked behind the login throttle, and turned into a session. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Account, Username } from "../../domain/Account.js"
import * as BrowserName from "../../domain/BrowserName.js"
import * as Issuer from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import * as KnownBrowsers from "../../services/accounts/KnownBrowsers.js"
import { type Attempt, LoginThrottle } from "../../services/accounts/LoginThrottle.js"
import type { Applicant } from "../../services/accounts/PasswordHasher.js"
import { Sessions } from "../../services/accounts/Sessions.js"
import * as Metrics from "../../services/events/Metrics.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { Meter } from "../wire/RateLimits.js"
import * as Cookies from "./Cookies.js"

/** Maximum length of a password in UTF-8; longer ones are wrong, and are not hashed. */
const maxPasswordBytes = 1024

/** The browser, if its device cookie says that it has logged in before. */
export const knownBrowser = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const knownBrowsers = yield* KnownBrowsers.KnownBrowsers
    return yield* knownBrowsers.read(Cookies.read(request, issuer, "device"))
  })

/** An attempt to log in with a name, as it was typed. */
export const attempt = (browser: Option.Option<KnownBrowsers.KnownBrowser>, typed: string) =>
  Effect.gen(function* () {
    const throttle = yield* LoginThrottle
    const { networks, share } = yield* Meter
    // A name that nobody can have is counted too, so its answers tell nothing.
    const username = Option.getOrElse(Schema.decodeOption(Username)(typed), () => typed.slice(0, 64))
    return yield* throttle.recognise({ username, networks, share, browser })
  })

/**
 * The account of the attempt's name and this password, or how long to wait, where there were too many failures of late:
 * that is counted as a refusal of the endpoint at `path`, below the issuer's.
 */
export const authenticate = (path: string, attempt: Attempt, password: Redacted.Redacted) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const throttle = yield* LoginThrottle
    const { issuer } = yield* ServerSettings
    const name = Schema.decodeOption(Username)(attempt.username)
    const verify = (applicant: Applicant): Effect.Effect<Option.Option<Account>, TemporarilyUnavailable> =>
      Option.isNone(name) || Buffer.byteLength(Redacted.value(password)) > maxPasswordBytes
        ? Effect.succeedNone
        : accounts.authenticate(name.value, password, applicant)
    return yield* throttle.guard(attempt, verify).pipe(
      Effect.map(Either.right),
      Effect.catchTag("TooManyRequests", (error) =>
        Effect.as(Metric.update(Metrics.refusals, { endpoint: Issuer.path(issuer) + path, error }), Either.left(error))
      )
    )
  })

/** A new session of a person who has just proved who they are, in a browser that is known from now on. */
export const begin = (
  response: HttpServerResponse.HttpServerResponse,
  browser: Option.Option<KnownBrowsers.KnownBrowser>,
  account: Account
) =>
  Effect.gen(function* () {
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
