/** LOGIN: passwords, and guesses of them. */
import { rm } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import * as Argon2 from "../../src/layers/passwords/Argon2.js"
import * as SqliteStorage from "../../src/layers/SqliteStorage.js"
import { outcome, password } from "../flow/support/Server.js"
import * as Cli from "../support/Cli.js"
import { family } from "./support/Catalogue.js"
import { attempt, cookiesSet, type LoginForm, loginForm, textOf } from "./support/Login.js"
import { without } from "./support/MutatingProxy.js"
import type { Answer } from "./support/Raw.js"
import * as Raw from "./support/Raw.js"
import { notesOf, type Target } from "./support/Target.js"

const { check, control } = family()

/** A password that is too long for an account: the attempt is counted, but costs no hash. */
const cheap = "x".repeat(1_100)

const address = (index: number) => `127.1.${index >> 8}.${index & 255 || 1}`

/** Guesses from a new address each time until the name is paused. Returns the number of guesses that were checked. */
const guessUntilPaused = async (target: Target, form: LoginForm, username: string, first = 0): Promise<number> => {
  for (let tries = 0; tries < 100; tries++) {
    const { status } = await attempt(target, form, username, cheap, { from: address(first + tries) })
    if (status === 429) return tries
  }
  return 100
}

/** The operator's API, called with a token of its own. */
const administer = async (target: Target, method: string, path: string) => {
  const client = await target.addClient({ scope: "latchkey:admin" })
  const granted = await target.token(client, { grant_type: "client_credentials", scope: "latchkey:admin" })
  const { access_token } = (await granted.json()) as { readonly access_token: string }
  const headers = { Authorization: `Bearer ${access_token}` }
  return target.http({ method, path: `/api/admin${path}`, headers })
}

const idOf = async (target: Target, username: string): Promise<string> => {
  const { users } = (await administer(target, "GET", `/users?username=${username}`)).json()
  const [user] = users as ReadonlyArray<{ readonly id: string }>
  return user?.id ?? "nobody"
}

/** The parts of a response that do not depend on the form and the name. */
const seen = (answer: Answer, username: string) => ({
  status: answer.status,
  body: answer.body.replace(/name="form" value="[^"]*"/, "").replaceAll(username, "NAME"),
  headers: answer.headers.map(([name]) => name.toLowerCase()).sort(),
  cookies: [...cookiesSet(answer).keys()]
})

check(
  "LOGIN-08",
  "a refused login reads the same, whether the name is unknown, known, disabled or paused",
  async (target) => {
    await target.addAccount("gone")
    await administer(target, "POST", `/users/${await idOf(target, "gone")}/disable`)
    const form = await loginForm(target)
    const known = seen(await attempt(target, form, "ada", "a wrong password"), "ada")
    expect(known.status).toBe(403)
    for (const username of ["nobody", "gone", "external:ada", "no name", "x".repeat(100)]) {
      const answer = seen(await attempt(target, form, username, "a wrong password"), username.slice(0, 64))
      expect(answer, username).toEqual(known)
    }
    expect(seen(await attempt(target, form, "gone", password), "gone")).toEqual(known)
    expect(seen(await attempt(target, form, "ada", cheap), "ada")).toEqual(known)

    const server = await target.another({ isStopped: true })
    const other = await loginForm(server)
    await guessUntilPaused(server, other, "ada")
    await guessUntilPaused(server, other, "nobody", 200)
    const paused = seen(await attempt(server, other, "ada"), "ada")
    expect(paused.status).toBe(429)
    expect(seen(await attempt(server, other, "nobody"), "nobody")).toEqual(paused)
  }
)

check(
  "LOGIN-09",
  "a login with an unknown name costs as much processor time as one with a known name",
  async (target) => {
    // A hash is nearly all of a login that costs ten times as much as usual.
    const server = await target.another({ seams: Argon2.layer({ memoryCost: 65_536, timeCost: 6 }) })
    const form = await loginForm(server)
    let addresses = 400
    /** Microseconds of processor time that a login costs, the best of three: what else the machine does is not counted. */
    const costOf = async (username: string) => {
      let least = Number.POSITIVE_INFINITY
      for (let i = 0; i < 3; i++) {
        const before = process.cpuUsage()
        const { status } = await attempt(server, form, username, "a wrong password", { from: address(addresses++) })
        expect(status).toBe(403)
        const { system, user } = process.cpuUsage(before)
        least = Math.min(least, system + user)
      }
      return least
    }
    const ratio = (await costOf("unknown")) / (await costOf("ada"))
    expect(ratio).toBeGreaterThan(0.5)
    expect(ratio).toBeLessThan(2)
  }
)

check(
  "LOGIN-10",
  "a name that is guessed at from many addresses is paused, longer each time, and also after a restart",
  async (target) => {
    const folder = await Cli.temporaryFolder()
    const storage = Layer.orDie(SqliteStorage.layer({ filename: `${folder.path}/auth.db` }))
    const server = await target.another({ storage, isStopped: true })
    const form = await loginForm(server)
    expect(await guessUntilPaused(server, form, "ada")).toBeLessThanOrEqual(10)
    const paused = await attempt(server, form, "ada", cheap, { from: address(200) })
    const right = await attempt(server, form, "ada", password, { from: address(201) })
    expect([paused.status, right.status]).toEqual([429, 429])
    expect(textOf(right)).toBe(textOf(paused))
    let wait = Number(paused.header("retry-after"))
    expect(wait).toBeGreaterThanOrEqual(1)
    for (let round = 0; round < 6; round++) {
      await server.advance(wait * 1_000)
      expect((await attempt(server, form, "ada", cheap, { from: address(210 + 2 * round) })).status).toBe(403)
      const longer = await attempt(server, form, "ada", cheap, { from: address(211 + 2 * round) })
      expect(longer.status).toBe(429)
      expect(Number(longer.header("retry-after"))).toBeGreaterThan(wait)
      wait = Number(longer.header("retry-after"))
    }
    expect(wait).toBeGreaterThanOrEqual(60)

    await target.closeOthers()
    const settings = { issuer: server.issuer, resources: [notesOf(server.origin)] }
    const restarted = await target.another({ storage, settings, isStopped: true, account: false })
    const again = await attempt(restarted, await loginForm(restarted), "ada", password, { from: address(204) })
    expect(again.status).toBe(429)
    await target.closeOthers()
    await rm(folder.path, { recursive: true })
  }
)

check("LOGIN-11", "an address that tries many names is paused, and another address is not", async (target) => {
  const server = await target.another({})
  const form = await loginForm(server)
  const statuses = new Map<number, number>()
  let refused: Answer | undefined
  for (let tries = 0; tries < 60; tries++) {
    const answer = await attempt(server, form, `somebody${tries}`, cheap, { from: "127.9.0.1" })
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    if (answer.status === 429) refused = answer
  }
  expect(statuses.get(403)).toBeLessThanOrEqual(52)
  expect(Number(refused?.header("retry-after"))).toBeGreaterThanOrEqual(1)
  expect((await attempt(server, form, "ada", password, { from: "127.9.9.1" })).status).toBe(303)
  const limited = await target.another({ settings: { rateLimits: { login: { quota: 3, window: "1 minute" } } } })
  const other = await loginForm(limited)
  const seen: Array<number> = []
  for (let tries = 0; tries < 4; tries++) seen.push((await attempt(limited, other, "ada")).status)
  expect(seen).toEqual([303, 303, 303, 429])
})

check("LOGIN-12", "no header and no spelling of the name avoids a pause", async (target) => {
  const server = await target.another({ isStopped: true })
  const form = await loginForm(server)
  await guessUntilPaused(server, form, "ada")
  for (const username of [
    "ada",
    "ADA",
    "Ada",
    " ada",
    "ada ",
    "\uff41\uff44\uff41",
    "a\u200bda",
    "ada\0",
    "ada\n",
    "ad\u0430"
  ]) {
    const answer = await attempt(server, form, username, password, { from: address(300) })
    expect(answer.status, JSON.stringify(username)).not.toBe(303)
    expect([400, 403, 429], JSON.stringify(username)).toContain(answer.status)
  }
  for (const name of ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"]) {
    const headers = { [name]: name === "Forwarded" ? "for=203.0.113.7" : "203.0.113.7" }
    expect((await attempt(server, form, "ada", password, { headers })).status, name).toBe(429)
  }
})

check(
  "LOGIN-13",
  "a code of an account that was disabled meanwhile is not redeemed, and its tokens are revoked",
  async (target) => {
    const server = await target.another({})
    const client = await server.register()
    const code = await server.code(client)
    const tokens = await server.tokens(client)
    expect((await administer(server, "POST", `/users/${await idOf(server, "ada")}/disable`)).status).toBe(204)
    expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    expect((await server.call(tokens.access_token)).status).toBe(401)
  }
)

/** 160 logins with different names from four addresses, pipelined, so that all wait before the first is answered. */
const flood = async (target: Target, form: LoginForm, wrong: string): Promise<ReadonlyArray<Answer>> => {
  const connections = [0, 1, 2, 3].map(async (connection) => {
    const requests = Array.from({ length: 40 }, (_, index) =>
      Raw.format(target.port, {
        method: "POST",
        path: "/login",
        headers: { ...form.headers, Connection: "keep-alive" },
        body: { form: form.form, username: `waiting${connection}-${index}`, password: wrong }
      })
    )
    const options = { answers: requests.length, from: `127.2.${connection}.1`, patience: 60_000 }
    return (await target.bytes(Buffer.concat(requests), options)).answers
  })
  return (await Promise.all(connections)).flat()
}

check(
  "LOGIN-14",
  "hashing leaves the server free for other requests, and the number of logins that wait is limited",
  async (target) => {
    const server = await target.another({})
    const form = await loginForm(server)
    const logins = flood(server, form, "a wrong password")
    let isDone = false
    const all = logins.finally(() => {
      isDone = true
    })
    let answered = 0
    while (!isDone) {
      await server.http({ path: "/.well-known/oauth-authorization-server" }, { patience: 60_000 })
      answered += 1
      await sleep(5)
    }
    const answers = await all
    expect(answers).toHaveLength(160)
    const refused = answers.filter(({ status }) => status !== 403)
    expect(refused.length).toBeGreaterThan(40)
    for (const answer of refused) {
      expect([429, 503]).toContain(answer.status)
      expect(answer.header("retry-after")).toMatch(/^\d+$/)
    }
    // A hash on the event loop would block other requests until all logins are answered.
    expect(answered).toBeGreaterThan(5)
  }
)

check("LOGIN-15", "a password that is too long is not hashed, and no password is truncated", async (target) => {
  const form = await loginForm(target)
  expect((await attempt(target, form, "ada", "x".repeat(1024 * 1024))).status).toBe(413)
  // This many hashes would overflow the queue.
  const server = await target.another({})
  const long = await flood(server, await loginForm(server), cheap)
  expect(new Set(long.map(({ status }) => status))).toEqual(new Set([403]))

  const unicode = "pässwörd 🔑 ".repeat(11).slice(0, 128)
  await target.addAccount("unicode", unicode)
  expect((await attempt(target, form, "unicode", unicode)).status).toBe(303)
  expect((await attempt(target, form, "unicode", unicode.slice(0, -1))).status).toBe(403)
  const byte = "x".repeat(72)
  await target.addAccount("truncated", `${byte} and more`)
  expect((await attempt(target, form, "truncated", `${byte} and more`)).status).toBe(303)
  expect((await attempt(target, form, "truncated", `${byte} but else`)).status).toBe(403)
  expect((await attempt(target, form, "truncated", byte)).status).toBe(403)
})

control("LOGIN-08", "against a server that says that a name is unknown", {
  mutation: {
    answer: (answer, { body }) =>
      body.includes("username=nobody") ? { ...answer, body: answer.body.replace("</main>", "Unknown</main>") } : answer
  }
})

control("LOGIN-10", "against a server that looks at every guess", {
  mutation: { answer: (answer) => (answer.status === 429 ? { ...answer, status: 403 } : answer) }
})

control("LOGIN-11", "against a server that says no time to come back", {
  mutation: { answer: (answer) => ({ ...answer, headers: without(answer.headers, "retry-after") }) }
})
