/** Guessing passwords is slow: a username that fails often is paused, with or without an account, and never locked for good. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Subject } from "../../../src/domain/Account.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { attempt, failed, headingOf, keptFailures, loggedIn, throttled, untilPause } from "../support/Attempts.js"
import { make, password, type TestServer, test } from "../support/Server.js"

const fail = async (server: TestServer, username: string, times = untilPause) => {
  for (let i = 0; i < times; i++) expect(headingOf(await attempt(server, username))).toBe(failed)
}

const parallel = async (server: TestServer, username: string, count: number) => {
  const pages = await Promise.all(Array.from({ length: count }, () => attempt(server, username)))
  const tried = pages.filter(({ status }) => status === 403).length
  expect(pages.filter(({ status }) => status === 429)).toHaveLength(count - tried)
  return tried
}

describe("after too many failures of one name", () => {
  test("the next attempt waits, with or without an account of that username (OAuth 2.1 §7.11)", async (server) => {
    const answers = new Set<string>()
    for (const username of ["ada", "eve"]) {
      await fail(server, username)
      const page = await attempt(server, username)
      expect(headingOf(page)).toBe(throttled)
      expect(page.headers.get("retry-after")).toBe("1")
      expect(page.html).toContain("Too many attempts. Try again in 1 second.")
      answers.add(page.html.replaceAll(/ value="[^"]*"/g, ""))
    }
    expect(answers.size).toBe(1)
  })

  test("the right password waits too, and is not verified", async (server) => {
    await fail(server, "ada")
    const page = await attempt(server, "ada", password)
    expect(headingOf(page)).toBe(throttled)
    expect(page.headers.getSetCookie()).toEqual([])
    expect(await keptFailures(server)).toHaveLength(untilPause)
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
    // One failure expires in a quarter of an hour, so the longest pauses do not grow.
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 900, 900, 900]) {
      expect((await attempt(server, "ada")).headers.get("retry-after")).toBe(`${seconds}`)
      await server.advance(`${seconds} seconds`)
      await fail(server, "ada", 1)
    }
  })

  test("the page shows the waiting time, in minutes if it is long", async (server) => {
    await fail(server, "ada")
    for (const seconds of [1, 2, 4, 8, 16, 32, 64]) {
      await server.advance(`${seconds} seconds`)
      await fail(server, "ada", 1)
    }
    await server.advance("8 seconds")
    const page = await attempt(server, "ada")
    expect(page.html).toContain("Too many attempts. Try again in 2 minutes.")
    expect(page.headers.get("retry-after")).toBe("120")
  })

  test("another spelling of the username is the same username", async (server) => {
    await fail(server, "ada")
    for (const username of ["ADA", " ada ", "\uff41\uff44\uff41"]) {
      expect(headingOf(await attempt(server, username, password)), username).toBe(throttled)
    }
  })

  test("another username does not wait", async (server) => {
    await server.addAccount("bob")
    await fail(server, "ada")
    expect(headingOf(await attempt(server, "bob", password))).toBe(loggedIn)
    expect(headingOf(await attempt(server, "eve"))).toBe(failed)
    expect(headingOf(await attempt(server, "ada", password))).toBe(throttled)
  })

  test("an invalid username waits too", async (server) => {
    await fail(server, "a da")
    expect(headingOf(await attempt(server, "a da"))).toBe(throttled)
  })
})

describe("failures", () => {
  test("failures expire one after the other, one each quarter of an hour", async (server) => {
    await fail(server, "ada", untilPause - 1)
    await server.advance("14 minutes")
    await fail(server, "ada", 1)
    expect(headingOf(await attempt(server, "ada"))).toBe(throttled)
    await server.advance("31 minutes")
    await fail(server, "ada", 3)
    expect(headingOf(await attempt(server, "ada"))).toBe(throttled)
  })

  test("a login deletes the failures", async (server) => {
    await fail(server, "ada", untilPause - 1)
    expect(headingOf(await attempt(server, "ada", password))).toBe(loggedIn)
    await fail(server, "ada")
    expect(headingOf(await attempt(server, "ada"))).toBe(throttled)
  })

  test("concurrent attempts may fail no more often than attempts one after the other", async (server) => {
    expect(await parallel(server, "ada", 64)).toBe(untilPause)
    expect(await keptFailures(server)).toHaveLength(untilPause)
  })

  test("refused attempts of a burst are not counted: the pause is as long as after the tried ones", async (server) => {
    expect(await parallel(server, "ada", 40)).toBe(untilPause)
    const page = await attempt(server, "ada", password)
    expect(page.headers.get("retry-after")).toBe("1")
    await server.advance("1 second")
    expect(headingOf(await attempt(server, "ada", password))).toBe(loggedIn)
  })

  test("concurrent attempts may fail no more often after many failures", async (server) => {
    await fail(server, "ada")
    await server.advance("1 seconds")
    expect(await parallel(server, "ada", 64)).toBe(1)
    await server.advance("3 hours")
    expect(await parallel(server, "ada", 64)).toBe(untilPause)
  })

  it.scoped("another server on the same storage counts the same failures", () =>
    Effect.gen(function* () {
      const storage = Layer.succeedContext(yield* Layer.build(Layer.fresh(MemoryStorage.layer)))
      const first = yield* make({ storage })
      yield* Effect.promise(() => fail(first, "ada"))
      const second = yield* make({ storage })
      const page = yield* Effect.promise(() => attempt(second, "ada", password))
      expect(headingOf(page)).toBe(throttled)
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
})

describe("the operator ends a pause", () => {
  const idOf = (server: TestServer) =>
    server.run(
      Effect.map(
        Effect.flatMap(AccountStore, (accounts) => accounts.list({ limit: 1_000 })),
        ([ada]) => Subject.make(`${ada?.id}`)
      )
    )
  const newPassword = "another good password"

  for (const [verb, change, itsPassword] of [
    [
      "with a new password",
      (accounts: Accounts["Type"], id: Subject) =>
        Effect.map(accounts.setPassword(id, Redacted.make(newPassword)), Option.isSome),
      newPassword
    ],
    ["by enabling the account", (accounts: Accounts["Type"], id: Subject) => accounts.enable(id), password],
    ["by unlocking the account", (accounts: Accounts["Type"], id: Subject) => accounts.unlock(id), password]
  ] as const) {
    test(`the operator ends the pause of a username and of its networks ${verb}`, async (server) => {
      const home = server.from("192.0.2.1")
      await fail(home, "ada", 5)
      for (let i = 2; i < 6; i++) await fail(server.from(`192.0.2.${i}`), "ada", 1)
      expect(headingOf(await attempt(server, "ada", password))).toBe(throttled)
      expect(headingOf(await attempt(home, "ada", password))).toBe(throttled)
      const id = await idOf(server)
      expect(await server.run(Effect.flatMap(Accounts, (accounts) => change(accounts, id)))).toBe(true)
      expect(headingOf(await attempt(home, "ada", itsPassword))).toBe(loggedIn)
    })
  }
})
