/** What has expired stays so, even if somebody sets the clock back while the server runs (design §3, Time). */
import { describe, expect } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { outcome, type TestServer, test } from "./support/Server.js"

const setBack = (server: TestServer, millis: number) =>
  server.run(Effect.flatMap(Clock.currentTimeMillis, (now) => TestClock.setTime(now - millis)))

const hour = 3_600_000

describe("a clock that is set back by an hour", () => {
  test("revives no access token and no code", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const code = await server.code(client)
    await server.advance("10 minutes")
    expect((await server.call(tokens.access_token)).status).toBe(401)
    await setBack(server, hour)
    expect((await server.call(tokens.access_token)).status).toBe(401)
    expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
  })
})
