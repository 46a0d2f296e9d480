/** A flood of logins from one place leaves everybody else their places in the hashing queue. */
import { describe, expect } from "@effect/vitest"
import { failed, guard, headingOf, loggedIn } from "./support/Attempts.js"
import { issuer, password, type TestServer, test } from "./support/Server.js"

/** Opens the login page in a browser at each of these addresses; then all of them post at once. */
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

describe("a hundred logins at once", () => {
  for (const [place, places, addressOf] of [
    ["one /56", 12, (i: number) => `2001:db8:1:1${i.toString(16).padStart(2, "0")}::1`],
    ["one /48", 16, (i: number) => `2001:db8:1:${(256 * i).toString(16)}::1`]
  ] as const) {
    test(`from ${place} keep nobody else out`, async (server) => {
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
      expect(answers.filter((answer) => headingOf(answer) === failed).length).toBeGreaterThanOrEqual(places)
      const busy = answers.filter(({ status }) => status === 503)
      expect(busy.length).toBeGreaterThan(0)
      expect(busy[0]?.headers.get("retry-after")).toBe("1")
    })
  }

  test("from one address do not count where they were not hashed", async (server) => {
    const post = await flood(
      server,
      Array.from({ length: 40 }, () => "192.0.2.1")
    )
    const answers = await post()
    expect(answers.filter(({ status }) => status === 503).length).toBeGreaterThan(0)
    let more = 0
    while ((await guard(server, `other${more}`, ["192.0.2.1"])) === "tried") more++
    expect(answers.filter(({ status }) => status === 403).length + more).toBe(51)
  })
})
