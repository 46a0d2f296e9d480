/** Failed logins are published without the username that was tried, and their stored rows are bounded. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { attempt, guard, keptFailures, untilPause } from "../support/Attempts.js"
import { withForm } from "../support/Browser.js"
import { issuer, type TestServer, test } from "../support/Server.js"

const lines: Array<string> = []
const logger = Logger.make((entry) => void lines.push(Logger.logfmtLogger.log(entry)))

const throttledLines = () => lines.filter((line) => line.includes("login throttled"))

const subjectOf = async (server: TestServer) => {
  const [ada] = await server.run(Effect.flatMap(AccountStore, (accounts) => accounts.list({ limit: 1_000 })))
  return ada?.id
}

/** The numbers of failed logins and pauses that the metrics of this process have counted. */
const counted = (server: TestServer) =>
  server
    .run(
      Effect.map(Metric.snapshot, (pairs) =>
        pairs
          .filter(({ metricKey }) => metricKey.name === "latchkey_events_total")
          .filter(({ metricKey }) => metricKey.tags.some(({ value }) => value.startsWith("Login")))
          .map(({ metricKey, metricState }) => [
            metricKey.tags.map(({ value }) => value).join(" "),
            "count" in metricState ? Number(metricState.count) : 0
          ])
      )
    )
    .then((pairs) => Object.fromEntries(pairs) as Readonly<Record<string, number>>)

describe("a login pause", () => {
  test(
    "a pause is published, logged at INFO and counted once, however many attempts it refuses",
    async (server) => {
      lines.length = 0
      const before = await counted(server)
      for (let i = 0; i < untilPause; i++) await attempt(server, "ada")
      for (let i = 0; i < 20; i++) await attempt(server, "ada")
      const subject = await subjectOf(server)
      expect(await keptFailures(server)).toEqual([
        ...Array.from({ length: untilPause - 1 }, () => ({ _tag: "LoginFailed", subject })),
        { _tag: "LoginThrottled", subject, reason: "NameFailures" }
      ])
      expect(throttledLines()).toHaveLength(1)
      expect(throttledLines()[0]).toContain("level=INFO")
      expect(throttledLines()[0]).toContain(`subject=${subject}`)
      expect(throttledLines()[0]).toContain("reason=NameFailures")
      const after = await counted(server)
      const more = (name: string) => (after[name] ?? 0) - (before[name] ?? 0)
      expect(more("LoginFailed")).toBe(untilPause)
      expect(more("LoginThrottled NameFailures")).toBe(1)
    },
    { logger }
  )

  test(
    "a pause of a username without an account does not reveal the username",
    async (server) => {
      lines.length = 0
      for (let i = 0; i < untilPause; i++) await attempt(server, "a-password-in-the-wrong-field")
      const kept = await keptFailures(server)
      expect(kept.at(-1)).toEqual({ _tag: "LoginThrottled", reason: "NameFailures" })
      expect(throttledLines()).toHaveLength(1)
      expect(lines.join() + JSON.stringify(kept)).not.toContain("wrong-field")
    },
    { logger }
  )
})

describe("a wrong current password at a password change", () => {
  const accountUrl = `${issuer}/account`

  test(
    "a wrong current password is logged, and is no failed login",
    async (server) => {
      lines.length = 0
      const browser = server.browser()
      await server.logIn(browser, await browser.open(accountUrl))
      const fields = {
        current_password: "wrong password",
        password: "another good one",
        password_again: "another good one"
      }
      for (let i = 0; i < untilPause + 6; i++) {
        const page = await browser.submit(withForm(await browser.open(accountUrl), "password"), {
          button: "password",
          fields
        })
        expect(page.status).toBe(400)
      }
      // The known browser's own counter pauses first, then the username's.
      const subject = await subjectOf(server)
      const kept = await keptFailures(server)
      expect(kept.map(({ _tag }) => _tag)).not.toContain("LoginFailed")
      expect(kept).toContainEqual({ _tag: "LoginThrottled", subject, reason: "NameFailures" })
      const refused = lines.filter((line) => line.includes("password change refused"))
      expect(refused).toHaveLength(untilPause + 6)
      expect(refused[0]).toContain(`subject=${subject}`)
    },
    { logger }
  )
})

describe("the stored rows of failed logins", () => {
  test("failed logins with unknown usernames from many addresses store at most a hundred rows an hour", async (server) => {
    const flood = async (from: number) => {
      for (let i = from; i < from + 400; i++) await guard(server, `name${i}`, [`192.0.${i % 256}.${i >> 8}`])
    }
    await flood(0)
    expect(await keptFailures(server)).toHaveLength(100)
    await server.advance("1 hour")
    await flood(400)
    expect(await keptFailures(server)).toHaveLength(200)
  })

  test("failed logins of one account from many addresses store as many rows as the account may fail", async (server) => {
    for (let minute = 0; minute < 24 * 60; minute += 4) {
      for (let i = 0; i < 5; i++) await guard(server, "ada", [`192.0.${minute % 256}.${i}`])
      await server.advance("4 minutes")
    }
    const rows = (await keptFailures(server)).length
    // There are 1,800 attempts in a day. 96 rows are one each quarter of an hour.
    expect(rows).toBeGreaterThan(90)
    expect(rows).toBeLessThan(125)
  })
})
