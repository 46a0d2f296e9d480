/** A flood of logins from one network leaves other users their places in the hashing queue. */
import { describe, expect } from "@effect/vitest"
import * as Argon2 from "../../../src/layers/passwords/Argon2.js"
import { failed, guard, headingOf, loggedIn } from "../support/Attempts.js"
import { issuer, type Options, outcome, password, type TestServer, test, tokensOf } from "../support/Server.js"

/** Opens the login page in a browser at each of these addresses. Then all of them post at once. */
const flood = async (server: TestServer, addresses: ReadonlyArray<string>) => {
  const opened = await Promise.all(
    addresses.map(async (address) => {
      const browser = server.from(address).browser()
      return { browser, page: await browser.open(`${issuer}/account`) }
    })
  )
  return () =>
    Promise.all(
      opened.map(({ browser, page }, i) =>
        browser.submit(page, { fields: { username: `name${i}`, password: "wrong password" } })
      )
    )
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 20))

/** Hashes take four times as long as by default, so that a hundred logins fill the queue. */
const slow: Options = { seams: Argon2.layer({ memoryCost: 19_456, timeCost: 8 }) }

describe("a hundred logins at once", () => {
  for (const [place, addressOf] of [
    ["one address", () => "203.0.113.1"],
    ["one /56", (i: number) => `2001:db8:1:1${i.toString(16).padStart(2, "0")}::1`],
    ["one /48", (i: number) => `2001:db8:1:${(256 * i).toString(16)}::1`]
  ] as const) {
    test(
      `a hundred logins from ${place} keep no other user out`,
      async (server) => {
        const home = server.from("198.51.100.7")
        const browser = home.browser()
        const page = await browser.open(`${issuer}/account`)
        const post = await flood(
          server,
          Array.from({ length: 100 }, (_, i) => addressOf(i))
        )
        const posted = post()
        await moment()
        const mine = await browser.submit(page, { fields: { username: "ada", password } })
        expect(headingOf(mine)).toBe(loggedIn)
        const answers = await posted
        expect(answers.filter((answer) => headingOf(answer) === failed).length).toBeGreaterThanOrEqual(16)
      },
      slow
    )
  }

  test(
    "logins that were not hashed do not count, and may be retried after a second",
    async (server) => {
      const post = await flood(
        server,
        Array.from({ length: 100 }, (_, i) => `2001:db8:1:${(256 * i).toString(16)}::1`)
      )
      const answers = await post()
      const busy = answers.filter(({ status }) => status === 503)
      expect(busy.length).toBeGreaterThan(0)
      expect(busy[0]?.headers.get("retry-after")).toBe("1")
      let more = 0
      while ((await guard(server, `other${more}`, [`${more}/64`, `${more}/56`, "2001:db8:1::/48"])) === "tried") more++
      expect(answers.filter(({ status }) => status === 403).length + more).toBe(201)
    },
    slow
  )
})

describe("forty users behind one address", () => {
  test("forty users behind one address all log in at once", async (server) => {
    for (let i = 0; i < 40; i++) await server.addAccount(`person${i}`)
    const office = server.from("192.0.2.1")
    const opened = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const browser = office.browser()
        return { browser, page: await browser.open(`${issuer}/account`) }
      })
    )
    const answers = await Promise.all(
      opened.map(({ browser, page }, i) => browser.submit(page, { fields: { username: `person${i}`, password } }))
    )
    expect(answers.map(headingOf)).toEqual(Array.from({ length: 40 }, () => loggedIn))
  })

  test("forty users behind one address all register, redeem their codes and refresh at once", async (server) => {
    const office = server.from("192.0.2.1")
    const forty = <A>(each: (i: number) => Promise<A>) => Promise.all(Array.from({ length: 40 }, (_, i) => each(i)))
    const clients = await forty(() => office.register())
    const codes = []
    for (const client of clients) codes.push({ client, code: await server.code(client) })
    const issued = await Promise.all(
      codes.map(async ({ client, code }) => ({ client, tokens: await tokensOf(office.redeem(client, code)) }))
    )
    const refreshed = await Promise.all(
      issued.map(({ client, tokens }) => outcome(office.refresh(client, tokens.refresh_token)))
    )
    expect(refreshed).toEqual(Array.from({ length: 40 }, () => "200"))
  })
})
