/** Servers that count requests together in Redis. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { freePort, run, type Server, startServer } from "../../support/Cli.js"
import * as Redis from "../../support/Redis.js"

/** Maximum number of registrations of an address in an hour. */
const quota = 60

/** Two servers with the same issuer listen on different ports. */
const issuer = "http://127.0.0.1:9400"

const register = ({ url }: Server) =>
  fetch(`${url}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: ["https://app.example.com/callback"] })
  })

describe.skipIf(Redis.missing)(Redis.named("with LATCHKEY_REDIS_URL"), () => {
  const scope = Effect.runSync(Scope.make())
  let servers: ReadonlyArray<Server>

  beforeAll(async () => {
    const url = await Effect.runPromise(Scope.extend(Redis.server, scope))
    servers = await Promise.all(
      [1, 2].map(() => startServer({ env: { LATCHKEY_REDIS_URL: url, LATCHKEY_ISSUER: issuer } }))
    )
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  it("servers with different databases share a quota", async () => {
    const answers = await Promise.all(Array.from({ length: quota + 20 }, (_, i) => register(servers[i % 2] as Server)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(quota)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(20)
  })

  it("registrations are refused while Redis is down, and other requests are answered", async () => {
    const port = await freePort()
    const server = await startServer({ env: { LATCHKEY_REDIS_URL: `redis://:secret-of-redis@127.0.0.1:${port}` } })
    try {
      expect((await register(server)).status).toBe(503)
      expect((await fetch(`${server.url}/token`, { method: "POST" })).status).toBe(400)
      expect(server.stdout() + server.stderr()).not.toContain("secret-of-redis")
    } finally {
      await server.stop()
    }
  })
})

describe("LATCHKEY_REDIS_URL", () => {
  it.each(["http://127.0.0.1", "redis", "redis://:secret-of-redis@127.0.0.1/not-a-number"])(
    "LATCHKEY_REDIS_URL=%s is refused",
    async (url) => {
      const { code, stderr } = await run(["serve"], { env: { LATCHKEY_REDIS_URL: url } })
      expect(code).toBe(2)
      expect(stderr).toMatch(/^latchkey: LATCHKEY_REDIS_URL: .*redis:\/\//)
      expect(stderr).not.toContain("secret-of-redis")
    }
  )
})
