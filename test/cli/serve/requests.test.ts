/** Requests of load balancers, proxies and browsers to a server as a process. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Raw from "../../support/RawConnection.js"

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({
    args: ["--demo", "--database", "memory:"],
    env: { LATCHKEY_TRUSTED_PROXIES: "127.0.0.0/8" }
  })
})
afterAll(() => server.stop())

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends raw bytes, and returns the response until the connection is closed. */
const send = async (text: string): Promise<Answer> => {
  const connection = await Raw.connect(server.port)
  connection.write(text)
  const [head = "", ...body] = (await connection.closed()).split("\r\n\r\n")
  return { status: Number(head.split(" ")[1]), head, body: body.join("\r\n\r\n") }
}

const closing = { Connection: "close" }

const ask = (line: string, headers: Readonly<Record<string, string>> = {}, body = "") =>
  send(Raw.request(line, { ...closing, ...headers, "Content-Length": String(body.length) }, body))

const form = { "Content-Type": "application/x-www-form-urlencoded" }

const metadata = JSON.stringify({ redirect_uris: ["https://client.example/callback"] })

const register = (headers: Readonly<Record<string, string>> = {}, target = "/register") =>
  ask(`POST ${target}`, { "Content-Type": "application/json", ...headers }, metadata)

/** Removes the parts that differ between two responses to the same request. */
const comparable = ({ body, head, status }: Answer) => ({
  status,
  challenge: /^www-authenticate: .*$/im.exec(head)?.[0],
  body: status === 200 ? body : ""
})

describe("a health check", () => {
  it.each([
    ["HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", ""],
    ["GET /ready HTTP/1.0\r\n\r\n", expect.stringContaining("{")],
    ["HEAD /ready HTTP/1.0\r\n\r\n", ""],
    ["HEAD http://auth.example.com/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", ""]
  ])("a health check is answered 200: %j", async (text, body) => {
    expect(await send(text)).toMatchObject({ status: 200, body })
  })
})

describe("a request target in absolute form", () => {
  it.each([
    ["GET", "http://127.0.0.1:9400", "/health"],
    ["GET", "http://auth.example.com", "/.well-known/oauth-authorization-server"],
    ["GET", "http://127.0.0.1:9400", "/authorize?response_type=code&client_id=nobody"],
    ["GET", "http://auth.example.com", "/.well-known/oauth-protected-resource/mcp"],
    ["GET", "https://auth.example.com", "/ready"],
    ["GET", "http://auth.example.com", "/login"],
    ["GET", "http://auth.example.com", "/nowhere"],
    ["POST", "http://evil.example", "/mcp"],
    ["POST", "http://auth.example.com", "/token"]
  ])(
    "a target in absolute form is answered as its path: %s %s%s (RFC 9112 §3.2.2)",
    async (method, authority, path) => {
      const [absolute, plain] = [await ask(`${method} ${authority}${path}`), await ask(`${method} ${path}`)]
      expect(comparable(absolute)).toEqual(comparable(plain))
      expect(`${absolute.head}${absolute.body}`).not.toContain("example.com")
      expect(`${absolute.head}${absolute.body}`).not.toContain("evil")
    }
  )

  it("a client registers with a target in absolute form", async () => {
    expect((await register({}, "http://127.0.0.1:9400/register")).status).toBe(201)
  })

  it("the challenge and the metadata name the issuer, not the target", async () => {
    const { head } = await ask("POST http://evil.example/mcp")
    expect(head).toContain(`resource_metadata="${server.url}/.well-known/oauth-protected-resource/mcp"`)
    const { body } = await ask("GET http://evil.example/.well-known/oauth-authorization-server")
    expect(JSON.parse(body)).toMatchObject({ issuer: server.url, token_endpoint: `${server.url}/token` })
  })
})

describe("the address in X-Forwarded-For", () => {
  it.each([
    ["203.0.113.7:51234", "203.0.113.7"],
    ["198.51.100.9:40001", "198.51.100.9"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["[2001:db8:2::1]", "2001:db8:2::1"],
    ["6.6.6.6:1, 203.0.113.90:5", "203.0.113.90"],
    ['"203.0.113.9"', "203.0.113.9"],
    ["192.0.2.44:80 ,127.0.0.3", "192.0.2.44"],
    ['"192.0.2.45:8080"', "192.0.2.45"],
    ["203.0.113.1", "203.0.113.1"]
  ])("the address of %s is read as %s (RFC 7239 §6)", async (written, plain) => {
    const first = await register({ "X-Forwarded-For": written })
    const second = await register({ "X-Forwarded-For": plain })
    expect([first.head, second.head]).toEqual([
      expect.stringMatching(/^ratelimit: .*"register";r=59/im),
      expect.stringMatching(/^ratelimit: .*"register";r=58/im)
    ])
  })

  it("the log has one line for many requests without an address in X-Forwarded-For", async () => {
    for (let i = 0; i < 4; i++) await register({ "X-Forwarded-For": "unknown" })
    const lines = server.stderr().split("\n")
    expect(lines.filter((line) => line.includes("X-Forwarded-For"))).toEqual([
      expect.stringMatching(/limits count all its clients as one.*WARN/)
    ])
  })
})

describe("a preflight", () => {
  const preflight = (path: string, method: string, headers: string) =>
    ask(`OPTIONS ${path}`, {
      Origin: "https://app.example",
      "Access-Control-Request-Method": method,
      ...(headers === "" ? {} : { "Access-Control-Request-Headers": headers })
    })

  it.each([
    ["/mcp", "POST", "authorization,content-type,mcp-method,mcp-protocol-version"],
    ["/mcp", "POST", "authorization,content-type,last-event-id,x-session-affinity"],
    ["/token", "POST", "content-type,traceparent"],
    ["/register", "POST", "baggage,content-type"],
    ["/revoke", "POST", "content-type,x-requested-with"],
    ["/.well-known/oauth-authorization-server", "GET", "mcp-protocol-version,traceparent"],
    ["/.well-known/openid-configuration", "GET", "x-datadog-trace-id"],
    ["/.well-known/oauth-protected-resource/mcp", "GET", "traceparent"],
    ["/jwks", "GET", "traceparent"],
    ["/api/account", "GET", "authorization,traceparent"]
  ])(
    "a preflight of %s allows each requested header, by %s: %s (Fetch, CORS protocol)",
    async (path, method, headers) => {
      const { head, status } = await preflight(path, method, headers)
      expect(status).toBe(204)
      expect(head).toMatch(/^access-control-allow-origin: \*\r?$/im)
      expect(head).not.toMatch(/^access-control-allow-credentials/im)
      const allowed = /^access-control-allow-headers: (.*)$/im.exec(head)?.[1]?.toLowerCase().trim().split(", ")
      expect(allowed).toEqual(expect.arrayContaining(headers.split(",")))
    }
  )

  it.each(["/login", "/consent", "/authorize", "/account"])(
    "a preflight of the page %s allows nothing",
    async (path) => {
      expect((await preflight(path, "POST", "traceparent")).head).not.toMatch(/^access-control-/im)
    }
  )

  it("a script may read the challenge after a preflight", async () => {
    const { head, status } = await ask("POST /mcp", { Origin: "https://app.example" })
    expect(status).toBe(401)
    expect(head).toMatch(/^access-control-allow-origin: \*\r?$/im)
    expect(head).toMatch(/^access-control-expose-headers: .*WWW-Authenticate/im)
  })
})

describe("headers that are too large", () => {
  it.each([
    ["/authorize", { Accept: "text/html", Cookie: `a=secret${"x".repeat(17_000)}` }],
    ["/account", { Cookie: Array.from({ length: 20 }, (_, i) => `c${i}=secret${"x".repeat(1_000)}`).join("; ") }],
    ["/mcp", { Authorization: `Bearer secret${"x".repeat(17_000)}` }]
  ])(
    "headers that are too large get 431 with a remedy, and are logged once: %s (RFC 6585 §5)",
    async (path, headers) => {
      const before = server.stderr()
      const { body, status } = await ask(`GET ${path}`, headers)
      expect(status).toBe(431)
      expect(body).toContain("too large")
      expect(body).toContain("clear the cookies of this site")
      await expect.poll(() => server.stderr().slice(before.length)).toMatch(/HeadersTooLarge/)
      expect(
        server
          .stderr()
          .slice(before.length)
          .match(/HeadersTooLarge/g)
      ).toHaveLength(1)
      expect(server.stderr()).not.toContain("secret")
    }
  )
})

describe("an unusual media type", () => {
  it.each([";", "; charset=utf8", "; charset=ISO-8859-1", "; boundary=x", ";;"])(
    "a form with an unusual media type is read: %s",
    async (parameters) => {
      expect((await register({ "Content-Type": `application/json${parameters}` })).status).toBe(201)
      const refused = await ask("POST /token", { "Content-Type": `${form["Content-Type"]}${parameters}` }, "a=b")
      expect(refused.body).toContain("invalid_client")
    }
  )
})
