/** The guard of SDK servers on Express and Hono: servers of both lines, over HTTP. */
import { connect } from "node:net"
import { gzipSync } from "node:zlib"
import express from "express"
import { describe, expect, it, onTestFinished } from "vitest"
import * as Guard from "../../../src/layers/Guard.js"
import { expressGuard } from "../../../src/layers/McpGuard.js"
import * as WebHandler from "../../../src/layers/WebHandler.js"
import { serve, sharedStorage } from "../support/McpUser.js"
import { apps, type MakeApp } from "../support/SdkServers.js"

const scopes = { "notes:read": "Read your notes", "notes:write": "Write notes" }
const needs = { scopes: ["notes:read"], tools: { add_note: ["notes:write"] } }

/** Starts an app, with its authorization server in the same process. */
const start = async (makeApp: MakeApp) => {
  const { storage, token } = await sharedStorage()
  const { stop, url } = await serve((issuer) => {
    const auth = WebHandler.make({ issuer, resources: [{ uri: `${issuer}/mcp`, scopes }] }, storage)
    onTestFinished(auth.dispose)
    return makeApp(auth.guard(needs), (request) => auth.handler(request))
  })
  onTestFinished(stop)
  const mcp = `${url}/mcp`
  return { mcp, token: (...scope: ReadonlyArray<string>) => token({ uri: mcp, scopes }, scope) }
}

/** Starts an app and returns a function that sends it the messages of a client with a token. */
const sender = async (makeApp: MakeApp, ...scope: ReadonlyArray<string>) => {
  const { mcp, token } = await start(makeApp)
  const access = await token(...scope)
  return (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    fetch(mcp, {
      method: "POST",
      body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
      headers: {
        authorization: `Bearer ${access}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...headers
      }
    })
}

const call = (name: string, args: object = {}, id = 1) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args }
})

/** The JSON of the one message of an event stream. */
const messageOf = async (response: Response) => JSON.parse(/^data: (.*)$/m.exec(await response.text())?.[1] ?? "null")

const names = Object.keys(apps)
const appOf = (name: string): MakeApp => apps[name] ?? (() => () => {})

describe.each(names)("the server %s", (name) => {
  it("a tool whose scope is missing gets a 403 that names the scope, also in a batch (RFC 6750 §3.1)", async () => {
    const send = await sender(appOf(name), "notes:read")
    for (const body of [call("add_note"), [call("list_notes"), call("add_note", {}, 2)]]) {
      const response = await send(body)
      expect(response.status).toBe(403)
      const challenge = response.headers.get("www-authenticate")
      expect(challenge).toContain('error="insufficient_scope"')
      expect(challenge).toContain('scope="notes:read notes:write"')
      expect(challenge).toMatch(/resource_metadata="[^"]+\/\.well-known\/oauth-protected-resource\/mcp"/)
    }
  })

  it("a stream of events passes unchanged", async () => {
    const send = await sender(appOf(name), "notes:read")
    const body = { ...call("count"), params: { name: "count", arguments: {}, _meta: { progressToken: "p" } } }
    const response = await send(body)
    expect(response.headers.get("content-type")).toContain("text/event-stream")
    const events = Array.from((await response.text()).matchAll(/^data: (.+)$/gm), ([, data = ""]) => JSON.parse(data))
    expect(events).toMatchObject([
      { params: { progressToken: "p", progress: 1 } },
      { params: { progress: 2 } },
      { params: { progress: 3 } },
      { id: 1, result: {} }
    ])
  })
})

describe.each(["1.x on Express, reading the body itself", "2.x on Hono"])("the body of a request to %s", (name) => {
  it("a body that is not JSON gets the JSON-RPC error -32700", async () => {
    const send = await sender(appOf(name), "notes:read")
    const compressed = gzipSync(JSON.stringify(call("add_note")))
    for (const response of [await send("{"), await send(compressed, { "content-encoding": "gzip" })]) {
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ id: null, error: { code: -32700 } })
    }
  })

  it("a body above the limit gets 413", async () => {
    const send = await sender(appOf(name), "notes:read", "notes:write")
    expect((await send(call("add_note", { text: "x".repeat(10_001) }))).status).toBe(413)
  })

  it("a body without a length that is above the limit gets 413", async () => {
    const { mcp, token } = await start(appOf(name))
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("x".repeat(1000)))
    })
    const authorization = `Bearer ${await token("notes:read")}`
    const response = await fetch(mcp, {
      method: "POST",
      body,
      duplex: "half",
      headers: { authorization }
    } as RequestInit)
    expect(response.status).toBe(413)
  })

  it("a body that comes in parts is read as one", async () => {
    const { mcp, token } = await start(appOf(name))
    const text = JSON.stringify(call("list_notes", { text: "é".repeat(500) }))
    const bytes = new TextEncoder().encode(text)
    const body = new ReadableStream({
      start: async (controller) => {
        for (let at = 0; at < bytes.length; at += 333) {
          controller.enqueue(bytes.subarray(at, at + 333))
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
        controller.close()
      }
    })
    const headers = {
      authorization: `Bearer ${await token("notes:read")}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream"
    }
    const response = await fetch(mcp, { method: "POST", body, duplex: "half", headers } as RequestInit)
    expect(await messageOf(response)).toMatchObject({ id: 1, result: {} })
  })

  it("a request without a token is refused before its body is read", async () => {
    const { mcp } = await start(appOf(name))
    const { host, port } = new URL(mcp)
    const socket = connect(Number(port), "127.0.0.1")
    socket.write(`POST /mcp HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 100\r\n\r\n`)
    const [head] = await new Promise<ReadonlyArray<string>>((resolve) => {
      socket.setEncoding("utf8").once("data", (text: string) => resolve(text.split("\r\n")))
    })
    socket.destroy()
    expect(head).toBe("HTTP/1.1 401 Unauthorized")
  })
})

it("a body that a parser has read and not kept stops the request with an error", async () => {
  const errors: Array<unknown> = []
  const send = await sender((guard) => {
    const app = express()
    app.use((request, _, next) => void request.resume().on("end", () => next()))
    app.post("/mcp", expressGuard(guard), (_, response) => void response.end("passed"))
    const onError: express.ErrorRequestHandler = (error, _, response, __) => {
      errors.push(error)
      response.status(500).end()
    }
    return app.use(onError)
  }, "notes:read")
  expect((await send(call("add_note"))).status).toBe(500)
  expect(String(errors[0])).toContain("was read before the guard")
})

it("a guard without a table reads no body", async () => {
  const bodies: Array<unknown> = []
  const { storage, token } = await sharedStorage()
  const { stop, url } = await serve((issuer) => {
    const auth = WebHandler.make({ issuer, resources: [{ uri: `${issuer}/mcp`, scopes }] }, storage)
    onTestFinished(auth.dispose)
    const app = express()
    return app.post("/mcp", expressGuard(auth.guard({ scopes: ["notes:read"] })), (request, response) => {
      bodies.push(request.body, request.readableDidRead)
      response.end()
    })
  })
  onTestFinished(stop)
  const authorization = `Bearer ${await token({ uri: `${url}/mcp`, scopes }, ["notes:read"])}`
  await fetch(`${url}/mcp`, { method: "POST", body: "{", headers: { authorization } })
  expect(bodies).toEqual([undefined, false])
})

it("a guard whose tool needs a scope that its resource does not offer rejects at its start", async () => {
  const { storage } = await sharedStorage()
  const issuer = "http://127.0.0.1:9400"
  const auth = WebHandler.make({ issuer, resources: [{ uri: `${issuer}/mcp`, scopes }] }, storage)
  auth.guard({ scopes: ["notes:read"], tools: { add_note: ["notes:wriet"] } })
  await expect(auth.ready()).rejects.toThrow(/"notes:wriet" \(did you mean "notes:write"\?\)/)
  await auth.dispose()
})

describe.each(["1.x on Express", "2.x on Hono"])("the metadata of a guard on its own, on %s", (name) => {
  it("a guard in another process than its server serves the metadata of its resource (RFC 9728 §3)", async () => {
    const { storage } = await sharedStorage()
    const { stop, url } = await serve((url) => {
      const resource = `${url}/mcp`
      const options = { issuer: "https://auth.example.com", resources: [{ uri: resource, scopes }], resource, ...needs }
      const guard = Guard.makeGuard(options, storage)
      onTestFinished(guard.dispose)
      return appOf(name)(guard, async () => new Response("other"))
    })
    onTestFinished(stop)
    const refused = await fetch(`${url}/mcp`, { method: "POST" })
    const [, metadataUrl = ""] = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "") ?? []
    const found = await fetch(metadataUrl)
    expect(await found.json()).toEqual({
      resource: `${url}/mcp`,
      authorization_servers: ["https://auth.example.com"],
      scopes_supported: ["notes:read", "notes:write"],
      bearer_methods_supported: ["header"]
    })
    expect(found.headers.get("access-control-allow-origin")).toBe("*")
    const preflight = await fetch(metadataUrl, {
      method: "OPTIONS",
      headers: { "access-control-request-headers": "mcp-protocol-version" }
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get("access-control-allow-headers")).toContain("MCP-Protocol-Version")
    const head = await fetch(metadataUrl, { method: "HEAD" })
    expect([head.status, await head.text()]).toEqual([200, ""])
    const posted = await fetch(metadataUrl, { method: "POST" })
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"])
    expect(await (await fetch(`${metadataUrl}/other`)).text()).toBe("other")
  })
})
