/** Failed logins are told of without the name that was tried, and their rows are bounded. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { attempt, guard, keptFailures, untilPause } from "../support/Attempts.js"
import { type TestServer, test } from "../support/Server.js"

const lines: Array<string> = []
const logger = Logger.make((entry) => void lines.push(Logger.logfmtLogger.log(entry)))

const throttledLines = () => lines.filter((line) => line.includes("login throttled"))

const subjectOf = async (server: TestServer) => {
  const [ada] = await server.run(Effect.flatMap(AccountStore, (accounts) => accounts.list({ limit: 1_000 })))
  return ada?.id
}

/** Failed logins and pauses that the metrics have counted in this process. */
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

describe("a pause that begins", () => {
  test(
    "is an event, an INFO line and a count of the metrics, once, however many attempts it refuses",
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
    "does not tell a name that nobody has",
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

describe("rows of a stranger who fails for ever", () => {
  test("with names that nobody has, from ever new addresses, are a hundred an hour at most", async (server) => {
    const flood = async (from: number) => {
      for (let i = from; i < from + 400; i++) await guard(server, `name${i}`, [`192.0.${i % 256}.${i >> 8}`])
    }
    await flood(0)
    expect(await keptFailures(server)).toHaveLength(100)
    await server.advance("1 hour")
    await flood(400)
    expect(await keptFailures(server)).toHaveLength(200)
  })

  test("with the name of an account, from ever new addresses, are as many as the name may fail", async (server) => {
    for (let minute = 0; minute < 24 * 60; minute += 4) {
      for (let i = 0; i < 5; i++) await guard(server, "ada", [`192.0.${minute % 256}.${i}`])
      await server.advance("4 minutes")
    }
    const rows = (await keptFailures(server)).length
    // 1,800 attempts in a day. 96 is one each quarter of an hour.
    expect(rows).toBeGreaterThan(90)
    expect(rows).toBeLessThan(125)
  })
})
