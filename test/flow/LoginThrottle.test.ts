/** Guessing passwords is slow: whoever fails often waits, whatever the name, and nobody is locked out for good. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { TemporarilyUnavailable } from "../../src/domain/OAuthError.js"
import * as MemoryStore from "../../src/layers/MemoryStore.js"
import { EventLog } from "../../src/services/EventLog.js"
import { LoginThrottle } from "../../src/services/LoginThrottle.js"
import type { Page } from "./support/Browser.js"
import { issuer, make, password, type TestServer, test } from "./support/Server.js"

const wrong = "wrong password"

/** One attempt, in a browser of its own. */
const attempt = async (server: TestServer, username: string, itsPassword = wrong): Promise<Page> => {
  const browser = server.browser()
  return browser.submit(await browser.open(`${issuer}/account`), { fields: { username, password: itsPassword } })
}

const headingOf = (page: Page) => `${page.status} ${page.document.querySelector("h1")?.text}`
const loggedIn = "200 Your account"
const failed = "403 Log in"
const throttled = "429 Log in"

/** As many failures as cost nothing, and the first that costs a pause. */
const untilPause = 9

const fail = async (server: TestServer, username: string, times = untilPause) => {
  for (let i = 0; i < times; i++) expect(headingOf(await attempt(server, username))).toBe(failed)
}

/** How many passwords were verified and found wrong. */
const failures = async (server: TestServer) => {
  await new Promise((resolve) => setTimeout(resolve, 20))
  const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 1_000 })))
  return events.filter(({ happening }) => happening._tag === "LoginFailed").length
}

const parallel = (server: TestServer, username: string) =>
  Promise.all(Array.from({ length: 64 }, () => attempt(server, username)))

describe("after too many failures of one name", () => {
  test("another attempt waits, whether or not somebody has that name (OAuth 2.1 §7.11)", async (server) => {
    const answers = new Set<string>()
    for (const username of ["ada", "eve"]) {
      await fail(server, username)
      const page = await attempt(server, username)
      expect(headingOf(page)).toBe(throttled)
      expect(page.headers.get("retry-after")).toBe("1")
      expect(page.html).toContain("Too many attempts. Wait a while, then try again.")
      answers.add(page.html.replaceAll(/ value="[^"]*"/g, ""))
    }
    expect(answers.size).toBe(1)
  })

  test("the right password waits as well, and is not even looked at", async (server) => {
    await fail(server, "ada")
    const page = await attempt(server, "ada", password)
    expect(headingOf(page)).toBe(throttled)
    expect(page.headers.getSetCookie()).toEqual([])
    expect(await failures(server)).toBe(untilPause)
  })

  test("the right password works once the pause is over", async (server) => {
    await fail(server, "ada")
    await server.advance("999 millis")
    expect(headingOf(await attempt(server, "ada", password))).toBe(throttled)
    await server.advance("1 millis")
    expect(headingOf(await attempt(server, "ada", password))).toBe(loggedIn)
  })

  test("attempts in the pause do not prolong it", async (server) => {
    await fail(server, "ada")
    for (let i = 0; i < 10; i++) {
      expect(headingOf(await attempt(server, "ada"))).toBe(throttled)
      await server.advance("100 millis")
    }
    expect(headingOf(await attempt(server, "ada", password))).toBe(loggedIn)
  })

  test("each pause is twice the one before, up to a quarter of an hour", async (server) => {
    await fail(server, "ada")
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
      expect((await attempt(server, "ada")).headers.get("retry-after")).toBe(`${seconds}`)
      await server.advance(`${seconds} seconds`)
      await fail(server, "ada", 1)
    }
  })

  test("another spelling of the name is the same name", async (server) => {
    await fail(server, "ada")
    for (const username of ["ADA", " ada ", "\uff41\uff44\uff41"]) {
      expect(headingOf(await attempt(server, username, password)), username).toBe(throttled)
    }
  })

  test("another name does not wait", async (server) => {
    await server.addAccount("bob")
    await fail(server, "ada")
    expect(headingOf(await attempt(server, "bob", password))).toBe(loggedIn)
    expect(headingOf(await attempt(server, "eve"))).toBe(failed)
    expect(headingOf(await attempt(server, "ada", password))).toBe(throttled)
  })

  test("a name that nobody can have waits, too", async (server) => {
    await fail(server, "a da")
    expect(headingOf(await attempt(server, "a da"))).toBe(throttled)
  })
})

describe("failures", () => {
  test("are forgotten after an hour", async (server) => {
    await fail(server, "ada")
    await server.advance("1 hour")
    await server.advance("1 millis")
    await fail(server, "ada")
    expect(headingOf(await attempt(server, "ada"))).toBe(throttled)
  })

  test("are forgotten with a login", async (server) => {
    await fail(server, "ada", untilPause - 1)
    expect(headingOf(await attempt(server, "ada", password))).toBe(loggedIn)
    await fail(server, "ada")
    expect(headingOf(await attempt(server, "ada"))).toBe(throttled)
  })

  test("at once are no more than one after the other", async (server) => {
    const pages = await parallel(server, "ada")
    const heard = pages.filter(({ status }) => status === 403).length
    expect(heard).toBe(untilPause)
    expect(pages.filter(({ status }) => status === 429).length).toBe(64 - heard)
    expect(await failures(server)).toBe(heard)
  })

  test("at once are no more where there were many before", async (server) => {
    await fail(server, "ada")
    await server.advance("1 seconds")
    expect((await parallel(server, "ada")).filter(({ status }) => status === 403).length).toBe(1)
    // The pause is long now, and then all is forgotten.
    await server.advance("2 hours")
    expect((await parallel(server, "ada")).filter(({ status }) => status === 403).length).toBe(untilPause)
  })

  it.scoped("are remembered by another server on the same storage", () =>
    Effect.gen(function* () {
      const storage = Layer.succeedContext(yield* Layer.build(Layer.fresh(MemoryStore.layer)))
      const first = yield* make({ storage })
      yield* Effect.promise(() => fail(first, "ada"))
      const second = yield* make({ storage })
      const page = yield* Effect.promise(() => attempt(second, "ada", password))
      expect(headingOf(page)).toBe(throttled)
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
})

describe("an address", () => {
  const guard = <A, E>(
    server: TestServer,
    username: string,
    address: string,
    verify: Effect.Effect<Option.Option<A>, E>
  ) =>
    server.run(
      Effect.flatMap(LoginThrottle, (throttle) => throttle.guard({ username, address }, verify)).pipe(
        Effect.match({
          onFailure: (error) =>
            typeof error === "object" && error !== null && "reason" in error ? error.reason : error,
          onSuccess: (found) => (Option.isSome(found) ? "found" : "nobody")
        })
      )
    )

  test("may fail with many names, but not with any number", async (server) => {
    for (let i = 0; i < 51; i++) {
      expect(await guard(server, `name${i}`, "192.0.2.1", Effect.succeedNone), `${i}`).toBe("nobody")
    }
    expect(await guard(server, "another", "192.0.2.1", Effect.succeedSome(1))).toBe("LoginThrottled")
    expect(await guard(server, "another", "192.0.2.2", Effect.succeedSome(1))).toBe("found")
  })

  test("gets no fresh start by logging in to an account of one's own", async (server) => {
    for (let i = 0; i < 51; i++) {
      expect(await guard(server, `name${i}`, "192.0.2.1", Effect.succeedNone), `${i}`).toBe("nobody")
      if (i < 50) expect(await guard(server, "mallory", "192.0.2.1", Effect.succeedSome(1)), `${i}`).toBe("found")
    }
    expect(await guard(server, "another", "192.0.2.1", Effect.succeedSome(1))).toBe("LoginThrottled")
  })

  test("does not fail where the server did", async (server) => {
    const busy = new TemporarilyUnavailable({ reason: "HashingBusy", description: "busy" })
    for (let i = 0; i < 20; i++) expect(await guard(server, "ada", "192.0.2.1", busy)).toBe("HashingBusy")
    expect(await guard(server, "ada", "192.0.2.1", Effect.succeedSome(1))).toBe("found")
  })
})
