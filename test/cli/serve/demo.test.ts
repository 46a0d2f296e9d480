/** The MCP server of the demo over HTTP (MCP 2025-06-18, Transports and Authorization). */
import { connect } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { protocolVersions } from "../../../src/http/mcp/McpHeaders.js"
import * as Cli from "../../support/Cli.js"
import { methods, send as request } from "../../support/Methods.js"
import * as Tokens from "../support/Tokens.js"

let server: Cli.Server
let reading: string
let writing: string

beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo"] })
  expect(await Tokens.createAccount(server)).toMatchObject({ code: 0 })
  reading = await Tokens.accessToken(server, "notes:read")
  writing = await Tokens.accessToken(server, "notes:read notes:write")
})
afterAll(() => server?.stop())

const send = (body: unknown, token?: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${server.url}/mcp`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers
    }
  })

const call = (id: unknown, name: string, args: unknown = {}) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args }
})

const read = (id: unknown, uri: string) => ({ jsonrpc: "2.0", id, method: "resources/read", params: { uri } })

const initialize = (id: unknown) => ({
  jsonrpc: "2.0",
  id,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } }
})

describe("without a token", () => {
  it("a request without a token gets a challenge with the metadata and the scopes of all tools (RFC 9728 §5.1)", async () => {
    const response = await send(initialize(1))
    expect(response.status).toBe(401)
    const challenge = response.headers.get("www-authenticate")
    expect(challenge).toContain('scope="notes:read notes:write"')
    const metadata = /resource_metadata="([^"]+)"/.exec(challenge ?? "")?.[1]
    expect(await (await fetch(metadata ?? "")).json()).toMatchObject({
      resource: `${server.url}/mcp`,
      authorization_servers: [server.url],
      scopes_supported: ["notes:read", "notes:write"]
    })
  })

  it("a client in a browser may send a request and read the challenge", async () => {
    const preflight = await fetch(`${server.url}/mcp`, {
      method: "OPTIONS",
      headers: {
        origin: "https://inspector.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,last-event-id,mcp-method,mcp-session-id"
      }
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*")
    expect(preflight.headers.get("access-control-allow-methods")).toContain("POST")
    expect(preflight.headers.has("access-control-allow-credentials")).toBe(false)
    const names = ["Authorization", "Content-Type", "MCP-Protocol-Version"]
    for (const name of [...names, "last-event-id", "mcp-method", "mcp-session-id"]) {
      expect(preflight.headers.get("access-control-allow-headers")).toContain(name)
    }
    const response = await send(initialize(1), undefined, { origin: "https://inspector.example" })
    expect(response.headers.get("access-control-allow-origin")).toBe("*")
    expect(response.headers.get("access-control-expose-headers")).toContain("WWW-Authenticate")
  })
})

describe("with a token", () => {
  it("every response has nosniff", async () => {
    for (const body of [call(1, "whoami"), "{", [], call(2, "nothing"), call(3, "add_note"), "x".repeat(70_000)]) {
      const response = await send(body, reading)
      expect(response.headers.get("x-content-type-options"), String(body).slice(0, 50)).toBe("nosniff")
    }
  })

  it("a request with a target in absolute form is answered, also with an invalid authority", async () => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })
    const head = {
      host: "a",
      connection: "close",
      authorization: `Bearer ${reading}`,
      "content-type": "application/json"
    }
    for (const authority of [`127.0.0.1:${server.port}`, "evil.example:99999", "[", ":1"]) {
      const sent = [`POST http://${authority}/mcp HTTP/1.1`, ...Object.entries(head).map((pair) => pair.join(": "))]
      const socket = connect(server.port, "127.0.0.1")
      socket.write(`${sent.join("\r\n")}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
      const [first] = (await socket.setEncoding("utf8").toArray()).join("").split("\r\n")
      expect(first, authority).toBe("HTTP/1.1 200 OK")
    }
  })

  it("whoami returns the account, the client and the scopes", async () => {
    const response = await send(call(1, "whoami"), reading)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      jsonrpc: "2.0",
      id: 1,
      result: {
        structuredContent: { account: Tokens.username, client: { name: "Test client" }, scopes: ["notes:read"] }
      }
    })
  })

  it("notes belong to their user only", async () => {
    await send(call(1, "add_note", { text: "Buy milk" }), writing)
    const response = await send(call(2, "list_notes"), reading)
    expect(await response.json()).toMatchObject({ result: { structuredContent: { notes: ["Buy milk"] } } })
  })

  it("a tool whose scope is missing is refused with all scopes that it needs (RFC 6750 §3.1)", async () => {
    for (const body of [
      call(1, "add_note", { text: "no" }),
      [call(1, "whoami"), call(2, "add_note", { text: "no" })]
    ]) {
      const response = await send(body, reading)
      expect(response.status).toBe(403)
      expect(response.headers.get("www-authenticate")).toContain('error="insufficient_scope"')
      expect(response.headers.get("www-authenticate")).toContain('scope="notes:read notes:write"')
    }
    const notes = await (await send(call(2, "list_notes"), reading)).json()
    expect(JSON.stringify(notes)).not.toContain('"no"')
  })

  it.each([0, 7, "a string", ""])("a response has the id of its request: %j", async (id) => {
    const response = await send(initialize(id), reading)
    expect(await response.json()).toMatchObject({ id, result: { serverInfo: { name: "latchkey-demo" } } })
  })

  it("a batch is answered with a batch", async () => {
    const response = await send([call("a", "whoami"), { jsonrpc: "2.0", id: 2, method: "tools/list" }], reading)
    expect(await response.json()).toMatchObject([
      { id: "a", result: { isError: false } },
      { id: 2, result: { tools: [{ name: "whoami" }, { name: "list_notes" }, { name: "add_note" }] } }
    ])
  })

  it.each([
    ["a notification", { jsonrpc: "2.0", method: "notifications/initialized" }],
    ["an answer to nothing", { jsonrpc: "2.0", id: 1, result: {} }],
    [
      "a notification that nobody knows",
      { jsonrpc: "2.0", method: "@effect/rpc/Interrupt", params: { requestId: "1" } }
    ]
  ])("a message without a response gets 202: %s", async (_, body) => {
    const response = await send(body, reading)
    expect(response.status).toBe(202)
    expect(await response.text()).toBe("")
  })

  it.each([
    ["no JSON", "{", -32700, null, 400],
    ["no message", "7", -32600, null, 400],
    ["an empty batch", [], -32600, null, 400],
    ["a batch of 33", Array.from({ length: 33 }, (_, id) => initialize(id)), -32600, null, 400],
    ["a method that nobody knows", { jsonrpc: "2.0", id: 5, method: "nothing/here" }, -32601, 5, 200],
    ["a tool that nobody knows", call(6, "nothing"), -32602, 6, 200],
    ["a resource that nobody knows", read(7, "file:///etc/passwd"), -32002, 7, 200],
    ["a resource whose URI is none", read(8, ""), -32002, 8, 200],
    [
      "a prompt that nobody knows",
      { jsonrpc: "2.0", id: 9, method: "prompts/get", params: { name: "x" } },
      -32602,
      9,
      200
    ]
  ])("an invalid message gets a JSON-RPC error: %s", async (_, body, code, id, status) => {
    const response = await send(body, reading)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ jsonrpc: "2.0", id, error: { code } })
  })

  it("invalid arguments of a tool get an error that names them", async () => {
    const response = await send(call(1, "add_note", { text: "" }), writing)
    expect(await response.json()).toMatchObject({ id: 1, result: { isError: true } })
  })

  it("a body that is too large or not JSON is refused", async () => {
    const large = await send(call(1, "add_note", { text: "x".repeat(70_000) }), writing)
    expect(large.status).toBe(413)
    expect((await send("a=b", reading, { "content-type": "application/x-www-form-urlencoded" })).status).toBe(400)
  })

  it("every method but POST gets 405, with and without a token", async () => {
    for (const method of methods.filter((method) => method !== "POST" && method !== "OPTIONS")) {
      for (const headers of [{}, { authorization: `Bearer ${reading}` }]) {
        expect(await request(server.port, method, "/mcp", headers), method).toMatchObject({
          status: 405,
          allow: "POST, OPTIONS"
        })
      }
    }
  })

  it("a browser gets a page that explains the address", async () => {
    const accept = "text/html,application/xhtml+xml,*/*;q=0.8"
    const page = await fetch(`${server.url}/mcp`, { headers: { accept } })
    expect([page.status, page.headers.get("allow")]).toEqual([405, "POST, OPTIONS"])
    const html = await page.text()
    expect(html).toContain("<h1>This is an MCP server</h1>")
    expect(html).toContain(`Give your MCP client this address: ${server.url}/mcp`)
    for (const headers of [{ accept: "text/event-stream" }, { accept, authorization: `Bearer ${reading}` }]) {
      const answer = await fetch(`${server.url}/mcp`, { headers })
      expect([answer.status, answer.headers.get("content-type")]).toEqual([405, "application/json"])
    }
  })

  it("a browser gets a page at /api that explains the API", async () => {
    const page = await fetch(`${server.url}/api`, { headers: { accept: "text/html" } })
    expect(page.status).toBe(200)
    const html = await page.text()
    expect(html).toContain("<h1>This is the API of this server</h1>")
    expect(html).toContain('href="/api/docs"')
    const answer = await fetch(`${server.url}/api`)
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: "not_found" }])
  })

  it.each([
    "https://evil.example",
    "http://evil.example:9000",
    "http://localhost.evil.example",
    "https://127.0.0.1.evil.example",
    "null"
  ])("a web page of another origin is refused: %s (MCP, Security Warning)", async (origin) => {
    for (const body of [initialize(1), call(1, "whoami"), "{"]) {
      const response = await send(body, reading, { origin })
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({ jsonrpc: "2.0", id: null, error: { code: -32600 } })
    }
  })

  it("a web page of the same origin or on this computer is answered", async () => {
    for (const origin of [server.url, "http://localhost:6274", "http://127.0.0.1:1", "http://[::1]:8080"])
      expect((await send(call(1, "whoami"), reading, { origin })).status, origin).toBe(200)
  })

  it.each(["2099-01-01", "1", "latest", "2025-06-18, 2025-06-18"])(
    "the unknown MCP-Protocol-Version %s is refused with the supported versions",
    async (version) => {
      const response = await send(call(1, "whoami"), reading, { "mcp-protocol-version": version })
      expect(response.status).toBe(400)
      const { error } = (await response.json()) as { readonly error: { readonly message: string } }
      expect(error.message).toContain("2025-06-18, 2025-03-26")
    }
  )

  it("each supported version is accepted, and initialize negotiates it in its body", async () => {
    for (const protocolVersion of protocolVersions) {
      const answer = await send({ ...initialize(1), params: { ...initialize(1).params, protocolVersion } }, reading)
      expect(await answer.json()).toMatchObject({ result: { protocolVersion } })
      const later = await send(call(2, "whoami"), reading, { "mcp-protocol-version": protocolVersion })
      expect(later.status, protocolVersion).toBe(200)
    }
    const newer = await send(initialize(3), reading, { "mcp-protocol-version": "2099-01-01" })
    expect(newer.status).toBe(200)
  })

  it("a batch of 32 messages is answered", async () => {
    const batch = Array.from({ length: 32 }, (_, id) => ({ jsonrpc: "2.0", id, method: "ping" }))
    expect(await (await send(batch, reading)).json()).toHaveLength(32)
  })

  it("other paths below /mcp are not found", async () => {
    for (const path of ["/mcp/", "/MCP", "//mcp"]) expect((await fetch(`${server.url}${path}`)).status).toBe(404)
  })
})
