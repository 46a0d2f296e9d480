/** Rate limits: a client that sends too many requests waits, and no other client does. */
import { describe, expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { Decision } from "../../../src/domain/RateLimit.js"
import * as FirstAccountEndpoint from "../../../src/http/browser/FirstAccountEndpoint.js"
import type { SettingsOptions } from "../../../src/layers/settings/SettingsOptions.js"
import * as FirstAccount from "../../../src/services/accounts/FirstAccount.js"
import { RateLimiter } from "../../../src/services/RateLimiter.js"
import { outcome, redirectUri, type TestServer, test, tokensOf } from "../support/Server.js"

const [here, there] = ["192.0.2.1", "192.0.2.2"]

const two = { quota: 2, window: "1 minute" } as const
const limited = (rateLimits: SettingsOptions["rateLimits"], settings: Partial<SettingsOptions> = {}) => ({
  settings: { rateLimits, ...settings }
})

const register = (server: TestServer, headers: Readonly<Record<string, string>> = {}) =>
  server.send("/register", {
    method: "POST",
    body: JSON.stringify({ redirect_uris: [redirectUri] }),
    headers: { "content-type": "application/json", ...headers }
  })

/** One request to each endpoint that has a limit, and its response. */
const endpoints = {
  account: [(server: TestServer) => server.send("/account"), "200"],
  api: [(server: TestServer) => server.send("/api/account"), "401"],
  authorize: [(server: TestServer) => server.send("/authorize"), "400"],
  consent: [(server: TestServer) => server.post("/consent", {}), "403"],
  introspect: [(server: TestServer) => server.post("/introspect", {}), "401 invalid_client"],
  login: [(server: TestServer) => server.post("/login", {}), "403"],
  logout: [(server: TestServer) => server.send("/logout"), "200"],
  register: [register, "201"],
  revoke: [(server: TestServer) => server.post("/revoke", {}), "401 invalid_client"],
  token: [(server: TestServer) => server.post("/token", {}), "401 invalid_client"]
} as const

type Name = keyof typeof endpoints

const names = Object.keys(endpoints) as ReadonlyArray<Name>
const pages: ReadonlyArray<Name> = ["account", "authorize", "consent", "login", "logout"]

const allTwo = {
  api: true,
  ...limited({ ...Object.fromEntries(names.map((name) => [name, two])), registerDaily: "off" })
}

const fields = (answer: Response) => ({
  limit: answer.headers.get("ratelimit"),
  policy: answer.headers.get("ratelimit-policy"),
  retryAfter: answer.headers.get("retry-after")
})

const none = { limit: null, policy: null, retryAfter: null }

describe("each endpoint that strangers can flood", () => {
  for (const name of names) {
    const [ask, good] = endpoints[name]
    const refused = pages.includes(name) ? "429" : "429 temporarily_unavailable"

    // REG-06
    test(
      `/${name} answers 429 with Retry-After when its quota is used up (RFC 6585 §4)`,
      async (server) => {
        const client = server.from(here)
        const policy = `"${name}";q=2;w=60`
        for (const [remaining, whole] of [
          [1, 30],
          [0, 60]
        ]) {
          const answer = await ask(client)
          expect(fields(answer)).toEqual({ policy, limit: `"${name}";r=${remaining};t=${whole}`, retryAfter: null })
          expect(await outcome(answer)).toBe(good)
        }
        const answer = await ask(client)
        expect(fields(answer)).toEqual({ policy, limit: `"${name}";r=0;t=60`, retryAfter: "30" })
        expect(answer.headers.get("cache-control")).toBe("no-store")
        expect(answer.headers.has("location")).toBe(false)
        if (pages.includes(name)) expect(await answer.clone().text()).toContain("Try again in 30 seconds.")
        expect(answer.headers.get("content-type")).toBe(
          pages.includes(name) ? "text/html; charset=utf-8" : "application/json"
        )
        expect(await outcome(answer)).toBe(refused)
      },
      allTwo
    )

    test(
      `/${name} answers again after Retry-After, and not before`,
      async (server) => {
        const client = server.from(here)
        for (const expected of [good, good, refused]) expect(await outcome(ask(client))).toBe(expected)
        await server.advance("29999 millis")
        const answer = await ask(client)
        expect(answer.headers.get("retry-after")).toBe("1")
        await server.advance("1 millis")
        for (const expected of [good, refused]) expect(await outcome(ask(client))).toBe(expected)
        await server.advance("1 minute")
        for (const expected of [good, good, refused]) expect(await outcome(ask(client))).toBe(expected)
      },
      allTwo
    )

    test(
      `/${name} answers other addresses, and counts an IPv6 network as one`,
      async (server) => {
        for (const expected of [good, good, refused]) expect(await outcome(ask(server.from(here)))).toBe(expected)
        expect(await outcome(ask(server.from(there)))).toBe(good)
        const network = ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"]
        const answers = await Promise.all(network.map((address) => outcome(ask(server.from(address)))))
        expect(answers.sort()).toEqual([good, good, refused].sort())
        expect(await outcome(ask(server.from("2001:db8:0:1::1")))).toBe(good)
      },
      allTwo
    )

    test(
      `/${name} counts nothing and reports nothing if limits are off`,
      async (server) => {
        for (let i = 0; i < 3; i++) {
          const answer = await ask(server.from(here))
          expect(fields(answer)).toEqual(none)
          expect(await outcome(answer)).toBe(good)
        }
      },
      { api: true, ...limited("off") }
    )
  }

  test(
    "each endpoint has its own quotas",
    async (server) => {
      const client = server.from(here)
      for (let i = 0; i < 3; i++) await endpoints.token[0](client)
      expect(await outcome(endpoints.token[0](client))).toBe("429 temporarily_unavailable")
      for (const name of names.filter((name) => name !== "token")) {
        expect(await outcome(endpoints[name][0](client)), name).toBe(endpoints[name][1])
      }
    },
    allTwo
  )

  test("the default limits allow an office behind one address", async (server) => {
    const client = server.from(here)
    for (let i = 0; i < 60; i++) expect(await outcome(register(client))).toBe("201")
    expect(await outcome(register(client))).toBe("429 temporarily_unavailable")
    for (let i = 0; i < 300; i++) expect((await endpoints.token[0](client)).status).toBe(401)
  })
})

describe("what is not a request to the endpoint", () => {
  test(
    "preflights, other methods and other paths are not counted",
    async (server) => {
      const client = server.from(here)
      for (let i = 0; i < 3; i++) {
        for (const init of [{ method: "OPTIONS" }, { method: "PUT" }, { method: "GET" }]) {
          expect(fields(await client.send("/token", init))).toEqual(none)
        }
        await client.post("/token/", {})
      }
      expect((await client.post("/token", {})).headers.get("ratelimit")).toBe('"token";r=1;t=30')
    },
    allTwo
  )
})

describe("a script of another origin", () => {
  test(
    "a script of another origin may read Retry-After",
    async (server) => {
      for (const path of ["/token", "/register"]) {
        const answers = [await server.post(path, {}), await server.from(here).post(path, {})]
        for (const answer of answers) {
          expect(answer.headers.get("access-control-expose-headers")).toBe(
            "WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id"
          )
        }
      }
    },
    limited({ token: { quota: 1, window: "1 minute" } })
  )
})

describe("the address that counts", () => {
  const forwarded = (server: TestServer, peer: string, address: string) =>
    outcome(server.from(peer).post("/token", {}, { "x-forwarded-for": address }))

  const settings = limited({ token: two }, { trustedProxies: ["10.0.0.0/8"] })

  test(
    "limits count the address that a trusted proxy forwards",
    async (server) => {
      for (let i = 0; i < 4; i++) expect(await forwarded(server, "10.0.0.1", `192.0.2.${i}`)).toBe("401 invalid_client")
      for (let i = 0; i < 2; i++) await forwarded(server, "10.0.0.2", here)
      expect(await forwarded(server, "10.0.0.3", `203.0.113.9, ${here}`)).toBe("429 temporarily_unavailable")
    },
    settings
  )

  test(
    "limits count an address the same with a port, brackets or quotes",
    async (server) => {
      const address = ["2001:db8::1", "[2001:db8::1]:4711", '"[2001:db8::1]"']
      for (const same of [address, [here, `${here}:51234`, `"${here}:80"`]]) {
        const outcomes = []
        for (const written of same) outcomes.push(await forwarded(server, "10.0.0.1", written))
        expect(outcomes).toEqual(["401 invalid_client", "401 invalid_client", "429 temporarily_unavailable"])
      }
    },
    settings
  )

  const lines: Array<string> = []
  test(
    "a forwarded header without an address is logged once, without its value",
    async (server) => {
      for (let i = 0; i < 2; i++) await forwarded(server, "10.0.0.1", `192.0.2.${i}:80`)
      for (let i = 0; i < 2; i++) await forwarded(server, "192.0.2.77", "of no proxy of ours")
      expect(lines.filter((line) => line.includes("a trusted proxy sends X-Forwarded-For"))).toEqual([])
      for (let i = 0; i < 4; i++) await forwarded(server, "10.0.0.1", "a stranger's words")
      const [line, ...rest] = lines.filter((line) => line.includes("a trusted proxy sends X-Forwarded-For"))
      expect(line).toContain("level=WARN")
      expect(line).toContain("limits count all its clients as one")
      expect(rest).toEqual([])
      expect(lines.join("\n")).not.toContain("words")
    },
    { ...settings, logger: Logger.map(Logger.logfmtLogger, (line) => void lines.push(line)) }
  )

  test(
    "a /56 has 4 times the quota of a /64, and a /48 has 16 times",
    async (server) => {
      const ask = (address: string) => endpoints.token[0](server.from(address))
      const heard = async (addresses: ReadonlyArray<string>) => {
        let count = 0
        for (const address of addresses) if ((await ask(address)).status === 401) count++
        return count
      }
      /** So many requests from each of eight networks of a /56. */
      const from = (household: string) => Array.from({ length: 24 }, (_, i) => `2001:db8:0:${household}0${i % 8}::1`)
      expect(await heard(from("1"))).toBe(8)
      expect(fields(await ask("2001:db8:0:100::1"))).toEqual({
        policy: '"token";q=8;w=60',
        limit: '"token";r=0;t=60',
        retryAfter: "8"
      })
      expect(await heard(["2", "3", "4", "5"].flatMap(from))).toBe(24)
      expect(await heard(from("6"))).toBe(0)
      expect(await heard(["2001:db8:1::1", "2001:db8:1::1", "2001:db8:1::1"])).toBe(2)
    },
    settings
  )

  test(
    "a request that a wide network's quota refuses takes nothing from its narrow quota",
    async (server) => {
      const ask = () => endpoints.token[0](server.from("2001:db8::1"))
      for (let i = 1; i <= 4; i++)
        for (let j = 0; j < 2; j++) await endpoints.token[0](server.from(`2001:db8:0:${i}::1`))
      for (let i = 0; i < 5; i++) expect((await ask()).headers.get("retry-after")).toBe("8")
      await server.advance("8 seconds")
      expect(fields(await ask())).toMatchObject({ limit: '"token";r=0;t=60' })
      await server.advance("8 seconds")
      expect((await ask()).headers.get("ratelimit")).toBe('"token";r=0;t=52')
    },
    settings
  )

  test(
    "limits ignore an address that an untrusted peer forwards",
    async (server) => {
      for (let i = 0; i < 2; i++) expect(await forwarded(server, here, `198.51.100.${i}`)).toBe("401 invalid_client")
      expect(await forwarded(server, here, "198.51.100.9")).toBe("429 temporarily_unavailable")
      expect(await forwarded(server, there, here)).toBe("401 invalid_client")
    },
    settings
  )

  test(
    "a handler of web requests without an address counts nothing, so no client locks out others",
    async (server) => {
      for (const name of names) {
        const [ask, good] = endpoints[name]
        for (let i = 0; i < 3; i++) {
          const answer = await ask(server)
          expect(fields(answer)).toEqual(none)
          expect(await outcome(answer)).toBe(good)
        }
      }
    },
    allTwo
  )
})

describe("a refused request", () => {
  const four = limited({ token: { quota: 4, window: "1 minute" } })

  const flood = async (server: TestServer) => {
    for (let i = 0; i < 4; i++) await server.post("/token", {})
  }

  test(
    "a request over the limit uses no code and rotates no token",
    async (server) => {
      const client = await server.register()
      const code = await server.code(client)
      const flooded = server.from(here)
      await flood(flooded)
      expect(await outcome(flooded.redeem(client, code))).toBe("429 temporarily_unavailable")
      await server.advance("15 seconds")
      const { refresh_token } = await tokensOf(await flooded.redeem(client, code))

      const before = await server.grant(refresh_token)
      expect(await outcome(flooded.refresh(client, refresh_token))).toBe("429 temporarily_unavailable")
      expect(await server.grant(refresh_token)).toEqual(before)
      await server.advance("15 seconds")
      expect((await tokensOf(await flooded.refresh(client, refresh_token))).refresh_token).not.toBe(refresh_token)
    },
    four
  )

  test(
    "the body of a request over the limit is not read",
    async (server) => {
      const flooded = server.from(here)
      const large = () => flooded.post("/token", { code: "x".repeat(100_000) })
      for (let i = 0; i < 4; i++) expect((await large()).status).toBe(413)
      expect((await large()).status).toBe(429)
    },
    four
  )

  test(
    "a login over the limit gets a page, with any password",
    async (server) => {
      const browser = server.from(here).browser()
      const form = await browser.open(`${server.issuer}/account`)
      const fields = { username: "ada", password: "wrong password" }
      for (let i = 0; i < 2; i++) expect((await browser.submit(form, { fields })).status).toBe(403)
      const page = await server.logIn(browser, form)
      expect(`${page.status} ${page.document.querySelector("h1")?.text}`).toBe("429 Too many requests")
      expect(page.headers.getSetCookie()).toEqual([])
      await server.advance("30 seconds")
      expect((await server.logIn(browser, form)).status).toBe(200)
    },
    allTwo
  )
})

describe("a client that proved who it is", () => {
  const settings = limited({ tokenClient: two })
  const grant = { grant_type: "client_credentials", scope: "notes:read" }

  test(
    "an authenticated client has one quota for all addresses, and other clients do not wait",
    async (server) => {
      const [client, other] = [await server.addClient(), await server.addClient()]
      const first = await server.from(here).token(client, grant)
      expect(first.status).toBe(200)
      expect(fields(first)).toEqual({
        policy: '"token";q=600;w=60, "tokenClient";q=2;w=60',
        limit: '"token";r=599;t=1, "tokenClient";r=1;t=30',
        retryAfter: null
      })
      expect((await server.from(there).token(client, grant)).status).toBe(200)
      const refused = await server.from(there).token(client, grant)
      expect(refused.headers.get("retry-after")).toBe("30")
      expect(await outcome(refused)).toBe("429 temporarily_unavailable")
      expect((await server.from(there).token(other, grant)).status).toBe(200)
      expect((await server.token(other, grant)).headers.get("ratelimit")).toBe('"tokenClient";r=0;t=60')
    },
    settings
  )

  test(
    "a request with only the client's id does not use up the client's quota",
    async (server) => {
      const client = await server.addClient()
      for (let i = 0; i < 5; i++) {
        const tried = [{ ...client, client_secret: "wrong" }, { client_id: client.client_id }]
        for (const stranger of tried) {
          const answer = await server.from(here).token(stranger, grant)
          expect(answer.headers.get("ratelimit")).not.toContain("tokenClient")
          expect(await outcome(answer)).toBe("401 invalid_client")
        }
      }
      expect((await server.token(client, grant)).status).toBe(200)
    },
    settings
  )

  test(
    "a public client has no quota of its own, because any client may send its id",
    async (server) => {
      const client = await server.register()
      for (let i = 0; i < 5; i++) {
        const answer = await server.from(here).refresh(client, "lk_rt_x")
        expect(answer.headers.get("ratelimit")).not.toContain("tokenClient")
        expect(await outcome(answer)).toBe("400 invalid_grant")
      }
    },
    settings
  )
})

describe("registration", () => {
  test(
    "registration has an hourly and a daily quota (RFC 7591 §5)",
    async (server) => {
      const client = server.from(here)
      for (let i = 0; i < 2; i++) expect((await register(client)).status).toBe(201)
      const first = await register(client)
      expect(fields(first)).toEqual({
        policy: '"register";q=2;w=3600, "registerDaily";q=3;w=86400',
        limit: '"register";r=0;t=3600, "registerDaily";r=1;t=57600',
        retryAfter: "1800"
      })
      await server.advance("1 hour")
      const last = await register(client)
      expect(last.status).toBe(201)
      expect(last.headers.get("ratelimit-policy")).toBe('"register";q=2;w=3600, "registerDaily";q=3;w=86400')
      const second = await register(client)
      expect(second.status).toBe(429)
      expect(second.headers.get("retry-after")).toBe(`${7 * 3600}`)
      expect((await register(server.from(there))).status).toBe(201)
    },
    limited({ register: { quota: 2, window: "1 hour" }, registerDaily: { quota: 3, window: "1 day" } })
  )
})

describe("Retry-After", () => {
  const json = (server: TestServer) => register(server.from(here))

  /** Sends until a request is refused, waits as long as the refusal says, and sends once more. */
  const heardAfterTheWait = async (server: TestServer, send: () => Promise<Response>) => {
    let answer = await send()
    while (answer.status !== 429) answer = await send()
    const seconds = Number(answer.headers.get("retry-after"))
    await server.advance(Duration.subtract(Duration.seconds(seconds), "1 second"))
    const early = (await send()).status
    await server.advance("1 second")
    return { seconds, early, status: (await send()).status }
  }

  test(
    "Retry-After of a registration is the longer wait of its two quotas",
    async (server) => {
      expect(await heardAfterTheWait(server, () => json(server))).toEqual({ seconds: 28_800, early: 429, status: 201 })
    },
    limited({ register: { quota: 3, window: "1 hour" }, registerDaily: { quota: 3, window: "1 day" } })
  )

  test(
    "Retry-After of nested networks is the wait of the widest used-up quota",
    async (server) => {
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 2; j++) await endpoints.token[0](server.from(`2001:db8:0:${i}::1`))
      }
      const send = () => endpoints.token[0](server.from("2001:db8:0:0::2"))
      expect(await heardAfterTheWait(server, send)).toEqual({ seconds: 30, early: 429, status: 401 })
      const another = () => endpoints.token[0](server.from("2001:db8:0:9::2"))
      await server.advance("1 hour")
      for (let i = 0; i < 8; i++) await endpoints.token[0](server.from(`2001:db8:0:${i}::1`))
      expect(await heardAfterTheWait(server, another)).toEqual({ seconds: 8, early: 429, status: 401 })
    },
    limited({ token: two })
  )

  test(
    "Retry-After of a client is the wait of its address if that is longer",
    async (server) => {
      const client = await server.addClient()
      const send = () => server.from(here).token(client, { grant_type: "client_credentials", scope: "notes:read" })
      expect(await heardAfterTheWait(server, send)).toEqual({ seconds: 1200, early: 429, status: 200 })
    },
    limited({ token: { quota: 3, window: "1 hour" }, tokenClient: { quota: 2, window: "1 minute" } })
  )

  for (const path of ["/revoke", "/introspect"] as const) {
    const name = `${path.slice(1)}Client` as const
    test(
      `Retry-After of ${path} holds for an authenticated client from any address`,
      async (server) => {
        const [client, other] = [await server.addClient(), await server.addClient()]
        let turn = 0
        const send = () => server.from(`192.0.2.${++turn}`).ask(path, client, { token: "no token" })
        expect(await heardAfterTheWait(server, send)).toEqual({ seconds: 30, early: 429, status: 200 })
        expect((await server.ask(path, other, { token: "no token" })).status).toBe(200)
        const stranger = await server.ask(path, { ...other, client_secret: "wrong" }, { token: "no token" })
        expect(stranger.headers.get("ratelimit")).toBeNull()
      },
      limited({ [name]: two })
    )
  }

  test("the default limits let a resource server introspect thousands of tokens a minute", async (server) => {
    const client = await server.addClient()
    const asking = server.from(here)
    for (let i = 0; i < 3_000; i++) {
      expect((await asking.ask("/introspect", client, { token: "no token" })).status).toBe(200)
    }
  })

  const firstAccount = Layer.provide(FirstAccountEndpoint.layer, FirstAccount.layer)

  test(
    "the limit headers are also on the response to the first account's link",
    async (server) => {
      const send = () => server.from(here).send("/first-account?token=guessed")
      expect(await heardAfterTheWait(server, send)).toEqual({ seconds: 30, early: 429, status: 410 })
    },
    { ...limited({ firstAccount: two }), routes: firstAccount }
  )
})

describe("a limiter of the app's own", () => {
  const asked: Array<readonly [name: string, key: string]> = []
  const own = Layer.succeed(RateLimiter, {
    consume: (quotas) =>
      Effect.sync(() => {
        for (const { key, limit } of quotas) asked.push([limit.name, key])
        return Decision.Refused({
          retryAfter: Duration.millis(1_001),
          quotas: quotas.map(() => ({ remaining: 0, replenishedAfter: Duration.seconds(7) }))
        })
      })
  })

  test(
    "the app's limiter decides, and gets keys of one length",
    async (server) => {
      const answer = await server.from("2001:db8::1").post("/token", {})
      expect(fields(answer)).toEqual({
        policy: '"token";q=600;w=60',
        limit: '"token";r=0;t=7',
        retryAfter: "2"
      })
      await server.from(here).send("/authorize")
      expect(asked.map(([name]) => name)).toEqual(["token", "token", "token", "authorize"])
      for (const [, key] of asked) expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(new Set(asked.map(([, key]) => key)).size).toBe(4)
    },
    { seams: own }
  )

  const broken = Layer.succeed(RateLimiter, {
    consume: () => new TemporarilyUnavailable({ reason: "StoreFailed", description: "the limiter is down" })
  })

  test(
    "a failing limiter of the app refuses only registrations",
    async (server) => {
      for (const name of names.filter((name) => name !== "register")) {
        const [ask, good] = endpoints[name]
        const answer = await ask(server.from(here))
        expect(fields(answer), name).toEqual(none)
        expect(await outcome(answer), name).toBe(good)
      }
      const answer = await register(server.from(here))
      expect(answer.headers.get("retry-after")).toBe("1")
      expect(await outcome(answer)).toBe("503 temporarily_unavailable")
    },
    { seams: broken, api: true }
  )
})
