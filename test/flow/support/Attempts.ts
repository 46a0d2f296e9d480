/** Attempts to log in: over HTTP, each in its own browser, or directly at the throttle, where no password is hashed. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TooManyRequests } from "../../../src/domain/HttpError.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { FailedLogins } from "../../../src/services/accounts/FailedLogins.js"
import { LoginThrottle } from "../../../src/services/accounts/LoginThrottle.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import type { Browser, Page } from "./Browser.js"
import { issuer, type TestServer } from "./Server.js"

/** One attempt, by default in an unknown browser. */
export const attempt = async (
  server: TestServer,
  username: string,
  password = "wrong password",
  browser: Browser = server.browser()
): Promise<Page> => browser.submit(await browser.open(`${issuer}/account`), { fields: { username, password } })

export const headingOf = (page: Page) => `${page.status} ${page.document.querySelector("h1")?.text}`
export const loggedIn = "200 Your account"
export const failed = "403 Log in"
export const throttled = "429 Log in"

/** Number of failed logins of a username until a pause begins. */
export const untilPause = 9

/** The stored events of failed logins, the oldest first. */
export const keptFailures = async (server: TestServer) => {
  // The rows are written in the background.
  await new Promise((resolve) => setTimeout(resolve, 20))
  const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 10_000 })))
  return events
    .map(({ kind }) => kind)
    .filter(({ _tag }) => _tag.startsWith("LoginFailed") || _tag === "LoginThrottled")
}

const busy = new TemporarilyUnavailable({ reason: "HashingBusy", description: "busy" })

const outcomes = {
  wrong: Effect.succeedNone,
  right: Effect.succeedSome(1),
  busy
} as const

/** The networks of an address, as the endpoint passes them. */
export type Networks = ReadonlyArray<string>

/** An IPv6 address in the `a`th /56 of the `s`th /48, and there in the `n`th /64. */
export const networksOf = (s: number, a: number, n: number): Networks => [
  `2001:db8:${s}:${a}:${n}::/64`,
  `2001:db8:${s}:${a}::/56`,
  `2001:db8:${s}::/48`
]

/**
 * An attempt at the throttle with a right, wrong or unhashable (`busy`) password. Returns `tried` if the password was
 * checked, otherwise the seconds to wait. A `busy` attempt is not counted.
 */
export const guard = (
  server: TestServer,
  username: string,
  networks: Networks,
  password: keyof typeof outcomes = "wrong",
  device?: string
): Promise<"tried" | number> =>
  server.run(
    Effect.gen(function* () {
      const throttle = yield* LoginThrottle
      const verify: Effect.Effect<Option.Option<number>, TemporarilyUnavailable> = outcomes[password]
      const tried = yield* throttle.guard({ username, networks, device: Option.fromNullable(device) }, () => verify)
      if (tried._tag === "Failed") yield* (yield* FailedLogins).publish(username, tried.pause)
    }).pipe(
      Effect.match({
        onSuccess: () => "tried" as const,
        onFailure: (error) => (error instanceof TooManyRequests ? error.retryAfter : ("tried" as const))
      })
    )
  )

/** Seconds that an unknown browser in these networks has to wait now; 0 when it need not. */
export const waitOf = async (server: TestServer, username: string, networks: Networks): Promise<number> => {
  const answer = await guard(server, username, networks, "busy")
  return answer === "tried" ? 0 : answer
}
