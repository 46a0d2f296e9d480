/** HTTP: slow clients, floods and costly texts, against launched servers. */
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import type { TestServer } from "../flow/support/Server.js"
import * as Cli from "../support/Cli.js"
import * as FakeTime from "../support/FakeTime.js"
import { family } from "./support/Catalogue.js"
import { launched } from "./support/Launched.js"
import * as Raw from "./support/Raw.js"
import * as Regexes from "./support/Regexes.js"
import type { Target } from "./support/Target.js"
import { cookies } from "./support/Walk.js"

const { check } = family()

/** Opens a connection that sends the first bytes, and then `more` every 200 milliseconds. */
const dribble = (port: number, first: string, more: string) => {
  const socket = connect({ host: "127.0.0.1", port })
  socket.write(first)
  const timer = setInterval(() => socket.write(more), 200)
  let received = ""
  socket.on("data", (bytes) => {
    received += bytes
  })
  // A close event follows every reset.
  socket.on("error", () => {})
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(received)))
  void closed.then(() => clearInterval(timer))
  return { closed, socket }
}

const form = "Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"

/** Slow clients: their first bytes, and the bytes that they repeat. */
const slow: Readonly<Record<string, readonly [first: string, more: string]>> = {
  "a connection that says nothing": ["", ""],
  "headers without end": ["GET /health HTTP/1.1\r\n", "X-A: b\r\n"],
  "a body without end": [`POST /token HTTP/1.1\r\n${form}Content-Length: 10000\r\n\r\n`, "a"],
  "chunks without end": [`POST /token HTTP/1.1\r\n${form}Transfer-Encoding: chunked\r\n\r\n`, "1\r\na\r\n"],
  "a second request that does not come": ["GET /health HTTP/1.1\r\nHost: x\r\n\r\n", ""]
}

check("HTTP-01", "the connections of slow clients are closed, and others are answered meanwhile", async () => {
  // The limits are 10 and 30 seconds, and Node checks them every few seconds, so all connections end within a minute. The
  // faster clock shortens this to some seconds. A busy machine needs longer.
  const times = FakeTime.missing === undefined ? 20 : 1
  const env = { LATCHKEY_RATE_LIMIT: "off", ...(times > 1 && FakeTime.faster(times)) }
  const server = await Cli.startServer({ args: ["--demo"], env })
  try {
    const begun = Date.now()
    const connections = Object.entries(slow).flatMap(([name, [first, more]]) =>
      Array.from({ length: 20 }, () => ({ name, ...dribble(server.port, first, more) }))
    )
    const late = new Map(Object.keys(slow).map((name) => [name, 20]))
    for (const { closed, name } of connections) void closed.then(() => late.set(name, (late.get(name) ?? 0) - 1))
    let answered = 0
    while ([...late.values()].some((count) => count > 0) && Date.now() - begun < (times > 1 ? 30_000 : 75_000)) {
      // A request also wakes the event loop of a process with a faster clock.
      const { answers } = await Raw.exchange(
        server.port,
        "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
      )
      if (answers[0]?.status === 200) answered += 1
      await sleep(50)
    }
    expect(Object.fromEntries(late)).toEqual(Object.fromEntries(Object.keys(slow).map((name) => [name, 0])))
    expect(answered).toBeGreaterThan(0)
  } finally {
    await server.stop()
  }
})

/** Number of logins of a flood: more than the server hashes and queues at once. */
const flooding = 300

/** Returns for each name the bytes of a login request of one browser. */
const loginForm = async (flows: TestServer, port: number) => {
  const browser = flows.browser()
  const page = await browser.open(`${flows.issuer}/account`)
  const fields = page.document
    .querySelectorAll("input[type=hidden]")
    .map((input) => [input.getAttribute("name") ?? "", input.getAttribute("value") ?? ""])
  const { pathname, search } = new URL(page.document.querySelector("form")?.getAttribute("action") ?? "", page.url)
  return (username: string) =>
    Raw.format(port, {
      method: "POST",
      path: pathname + search,
      headers: { ...cookies(browser), Origin: flows.issuer, "Sec-Fetch-Site": "same-origin" },
      body: { ...Object.fromEntries(fields), username, password: "wrong horse battery" }
    })
}

check("HTTP-06", "a flood of the costliest requests is shed with Retry-After, and the server recovers", () =>
  launched(
    async ({ flows, server }) => {
      const { port } = server()
      const request = await loginForm(flows, port)
      // From 50 addresses, so that the queue sheds the requests, and not the limit of an address.
      const flood = Promise.all(
        Array.from({ length: flooding }, (_, index) =>
          Raw.exchange(port, request(`nobody-${index}`), { from: `127.0.1.${(index % 50) + 1}`, patience: 60_000 })
        )
      )
      const health = await Raw.send(port, { path: "/health" }, { patience: 60_000 })
      expect(health.status).toBe(200)
      const answers = (await flood).flatMap(({ answers }) => answers)
      expect(answers).toHaveLength(flooding)
      for (const answer of answers) expect([200, 403, 429, 503]).toContain(answer.status)
      const shed = answers.filter((answer) => answer.header("retry-after") !== undefined)
      expect(shed.length).toBeGreaterThan(0)
      for (const answer of shed) expect(Number(answer.header("retry-after"))).toBeGreaterThan(0)

      const browser = flows.browser()
      const account = await flows.logIn(browser, await browser.open(`${flows.issuer}/account`))
      expect(account.html).toContain("Log out")
    },
    // One thread hashes, so that the queue fills on every machine: a request takes less of the event loop than of the thread.
    { env: { LATCHKEY_LOG_LEVEL: "warning", UV_THREADPOOL_SIZE: "1" } }
  )
)

check("HTTP-07", "more connections than file descriptors neither end the process nor block it", () =>
  launched(
    async ({ flows, server }) => {
      const sockets: Array<Socket> = []
      for (let i = 0; i < 200; i++) {
        const socket = connect({ host: "127.0.0.1", port: server().port })
        socket.on("error", () => {})
        sockets.push(socket)
      }
      await sleep(500)
      for (const socket of sockets) socket.destroy()
      await expect.poll(async () => (await flows.send("/ready").catch(() => Response.error())).status).toBe(200)
      // The storage accepts writes too.
      expect(await flows.tokens(await flows.register())).toHaveProperty("access_token")
    },
    { under: ["prlimit", "--nofile=96:96"] }
  )
)

/** Milliseconds of processor time that a request costs this process, the best of five: what else the machine does is not counted. */
const leastCost = async (target: Target, request: Raw.Request) => {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const before = process.cpuUsage()
    await target.http(request)
    const { system, user } = process.cpuUsage(before)
    least = Math.min(least, (system + user) / 1_000)
  }
  return least
}

check("HTTP-08", "no legal request takes much processor time", async (target) => {
  const client = await target.register()
  const json = (body: string) => ({
    method: "POST",
    path: "/register",
    headers: { "Content-Type": "application/json" },
    body
  })
  const token = (parameters: Readonly<Record<string, string>>) => ({
    method: "POST",
    path: "/token",
    body: { client_id: client.client_id, ...parameters }
  })
  const long = "a".repeat(60_000)
  const worst: ReadonlyArray<Raw.Request> = [
    json("[".repeat(60_000)),
    json(`{"redirect_uris":[${'"https://a.example/",'.repeat(2_500)}"https://a.example/"]}`),
    json(`{"redirect_uris":["https://a.example/"],"client_name":"${"é".repeat(25_000)}"}`),
    token({ grant_type: long }),
    token({ grant_type: "refresh_token", refresh_token: "a", scope: "a ".repeat(25_000) }),
    token({ grant_type: "authorization_code", code: `lk_ac_${long}`, code_verifier: "x".repeat(43) }),
    {
      method: "POST",
      path: "/token",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: "%41".repeat(20_000)
    },
    { path: `/authorize?${"scope=a%20b&".repeat(1_000)}` },
    { path: "/authorize", headers: { Cookie: "a=b; ".repeat(2_500) } },
    { path: "/notes", headers: { Authorization: `Bearer ${"a".repeat(15_000)}` } }
  ]
  const costs: Array<number> = []
  for (const request of worst) costs.push(await leastCost(target, request))
  // In milliseconds, for client and server together; a request whose work grows with its square takes seconds.
  expect(Math.max(...costs), String(costs)).toBeLessThan(100)
})

check("HTTP-09", "no regular expression of the sources needs more than linear time on a text of 64 KiB", async () => {
  // The instrument finds an expression of exponential time, and one of quadratic time.
  for (const regex of [/^(a+)+$/, /\s+$/]) expect(Regexes.attack({ where: "", regex }, 50), String(regex)).toBeDefined()
  const found = Regexes.all()
  expect(found.length).toBeGreaterThan(50)
  const vulnerable = found.filter((each) => Regexes.attack(each, 50) !== undefined)
  expect(vulnerable.map(({ where }) => where)).toEqual([])
})
