/** The guard of an MCP server of @effect/ai: scopes of single tools, and the rules of MCP's transport. */
import * as McpServer from "@effect/ai/McpServer"
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as McpAuth from "../../../src/http/mcp/McpAuth.js"
import * as Server from "../support/Server.js"
import { issuer, resource, type TestServer } from "../support/Server.js"

const Tools = Toolkit.make(
  Tool.make("list_notes", { success: Schema.Array(Schema.String) }),
  Tool.make("add_note", { parameters: { text: Schema.String }, success: Schema.Number })
)

/** An MCP server at /notes that keeps the notes that its tool adds. */
const mcp = (kept: Array<string>, options: Partial<McpAuth.Options<keyof typeof Tools.tools>> = {}) =>
  Layer.mergeAll(
    McpServer.toolkit(Tools),
    McpServer.prompt({ name: "review", description: "Reviews notes", content: () => Effect.succeed("Review them") }),
    McpServer.prompt({ name: "greet", description: "Greets", content: () => Effect.succeed("Hello") }),
    McpServer.resource({ uri: "notes://all", name: "All notes", content: Effect.sync(() => kept.join()) })
  ).pipe(
    Layer.provide(
      Tools.toLayer({
        list_notes: () => Effect.succeed(kept),
        add_note: ({ text }) => Effect.sync(() => kept.push(text))
      })
    ),
    Layer.provide(McpServer.layerHttpRouter({ name: "notes", version: "1.0.0", path: "/notes" })),
    Layer.provide(
      McpAuth.layer({
        scopes: ["notes:read"],
        toolkit: Tools,
        tools: { add_note: ["notes:write"] },
        prompts: { review: ["notes:write"] },
        methods: { "resources/read": ["notes:write"] },
        ...options
      })
    )
  )

const request = (method: string, params: object = {}, id: unknown = 1) => ({ jsonrpc: "2.0", id, method, params })
const call = (name: string, args?: object, id: unknown = 1) => request("tools/call", { name, arguments: args }, id)
const add = (text: string, id: unknown = 1) => call("add_note", { text }, id)

/** Sends the messages of a client with a token of these scopes. */
const sender = (server: TestServer) => async (scope: string) => {
  const { access_token } = await server.tokens(await server.register(), { scope })
  return (body: unknown, headers: Readonly<Record<string, string>> = {}, method = "POST") =>
    server.send(resource, {
      method,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json", ...headers }
    })
}

type Send = Awaited<ReturnType<ReturnType<typeof sender>>>

/** A test of one rule, against an MCP server of its own. */
const test = (
  title: string,
  rule: (fixture: {
    readonly server: TestServer
    readonly kept: ReadonlyArray<string>
    readonly as: (scope: string) => Promise<Send>
  }) => Promise<unknown>,
  options: Partial<McpAuth.Options<keyof typeof Tools.tools>> = {}
) => {
  const kept: Array<string> = []
  Server.test(title, (server) => rule({ server, kept, as: sender(server) }), { routes: mcp(kept, options) })
}

describe("the scopes of an operation", () => {
  test("a tool without an entry needs only the scopes of the guard", async ({ as }) => {
    const send = await as("notes:read")
    const response = await send(call("list_notes"))
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ id: 1, result: { isError: false } })
  })

  test("a tool whose scope is missing gets a 403 that names the scope, and does not run (RFC 6750 §3.1)", async ({
    as,
    kept
  }) => {
    const response = await (await as("notes:read"))(add("Buy milk"))
    expect(response.status).toBe(403)
    const challenge = response.headers.get("www-authenticate")
    expect(challenge).toContain('error="insufficient_scope"')
    expect(challenge).toContain('scope="notes:read notes:write"')
    expect(challenge).toContain(`resource_metadata="${issuer}/.well-known/oauth-protected-resource/notes"`)
    expect(kept).toEqual([])
  })

  test("a tool whose scope the token has runs", async ({ as, kept }) => {
    const response = await (await as("notes:read notes:write"))(add("Buy milk"))
    expect(await response.json()).toMatchObject({ id: 1, result: { isError: false, content: [{ text: "1" }] } })
    expect(kept).toEqual(["Buy milk"])
  })

  test("no message of a batch runs if one of them needs a missing scope", async ({ as, kept }) => {
    const response = await (await as("notes:read"))([call("list_notes"), add("Buy milk", 2), request("ping", {}, 3)])
    expect(response.status).toBe(403)
    expect(kept).toEqual([])
  })

  test("a prompt needs its scopes, also to complete its arguments", async ({ as }) => {
    const send = await as("notes:read")
    expect((await send(request("prompts/get", { name: "review" }))).status).toBe(403)
    const completion = { ref: { type: "ref/prompt", name: "review" }, argument: { name: "a", value: "b" } }
    expect((await send(request("completion/complete", completion))).status).toBe(403)
    expect((await send(request("prompts/get", { name: "greet" }))).status).toBe(200)
  })

  test("a method needs its scopes", async ({ as }) => {
    const read = request("resources/read", { uri: "notes://all" })
    expect((await (await as("notes:read"))(read)).status).toBe(403)
    expect((await (await as("notes:read notes:write"))(read)).status).toBe(200)
  })

  test("a tool that does not exist is answered by the server", async ({ as }) => {
    const response = await (await as("notes:read"))(call("remove_note"))
    expect(await response.json()).toMatchObject({ id: 1, error: { code: -32602 } })
  })

  test("a call of a tool without an id does not run (JSON-RPC 2.0 §4.1)", async ({ as, kept }) => {
    const { id: _, ...notification } = add("Buy milk")
    expect((await (await as("notes:read notes:write"))(notification)).status).toBe(202)
    expect(kept).toEqual([])
  })

  test("the member of a message that comes twice counts once, for the guard as for the server", async ({
    as,
    kept
  }) => {
    const twice = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes","arguments":{"text":"x"},"name":"add_note"}}`
    expect((await (await as("notes:read"))(twice)).status).toBe(403)
    expect(kept).toEqual([])
  })
})

describe("a mistake in the table", () => {
  const mistake = (options: Partial<McpAuth.Options<string>>) =>
    Effect.flip(Server.make({ routes: mcp([], options as Partial<McpAuth.Options<keyof typeof Tools.tools>>) }))

  it.scoped("a guard whose tool needs a scope that its resource does not offer does not start", () =>
    Effect.gen(function* () {
      const error = yield* mistake({ tools: { add_note: ["notes:wriet"] } })
      expect(error).toBeInstanceOf(McpAuth.UnknownScope)
      expect(error.message).toContain('McpAuth with the scopes ["notes:read"]')
      expect(error.message).toContain('"notes:wriet" (did you mean "notes:write"?)')
    })
  )

  it.scoped("a guard whose table names a tool that the toolkit does not have does not start", () =>
    Effect.gen(function* () {
      const error = yield* mistake({ tools: { add_notes: ["notes:write"] } })
      expect(error).toBeInstanceOf(McpAuth.UnknownTool)
      expect(error.message).toBe(
        'McpAuth, option `tools`: there is no tool "add_notes" (did you mean "add_note"?); the tools are list_notes, add_note'
      )
    })
  )
})

describe("the transport", () => {
  test("a request without a token gets a challenge before its body is read", async ({ server }) => {
    const response = await server.send(resource, { method: "POST", body: "{" })
    expect(response.status).toBe(401)
    expect(response.headers.get("www-authenticate")).toBe(
      `Bearer scope="notes:read", resource_metadata="${issuer}/.well-known/oauth-protected-resource/notes"`
    )
  })

  test("a notification gets 202 without a body", async ({ as }) => {
    const response = await (await as("notes:read"))({ jsonrpc: "2.0", method: "notifications/initialized" })
    expect([response.status, await response.text()]).toEqual([202, ""])
  })

  test("GET and DELETE get 405 with Allow", async ({ as }) => {
    const send = await as("notes:read")
    for (const method of ["GET", "DELETE", "PUT"]) {
      const response = await send(undefined, { accept: "text/event-stream" }, method)
      expect([response.status, response.headers.get("allow")], method).toEqual([405, "POST, OPTIONS"])
    }
  })

  test("a body that is not JSON gets the JSON-RPC error -32700", async ({ as }) => {
    const response = await (await as("notes:read"))("{")
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "Parse error" } })
  })

  test("a method that does not exist gets the JSON-RPC error -32601", async ({ as }) => {
    const response = await (await as("notes:read"))(request("notes/burn", {}, "a"))
    expect(await response.json()).toMatchObject({ id: "a", error: { code: -32601 } })
  })

  test("a message of the server's own protocol does not reach the server", async ({ as }) => {
    const interrupt = { jsonrpc: "2.0", method: "@effect/rpc/Interrupt", params: { requestId: "1" } }
    expect((await (await as("notes:read"))(interrupt)).status).toBe(202)
  })

  test(
    "a web page of another origin is refused, and one of the option passes",
    async ({ as }) => {
      const send = await as("notes:read")
      expect((await send(request("ping"), { origin: "https://evil.example" })).status).toBe(403)
      for (const origin of [issuer, "http://localhost:6274", "https://chat.example"]) {
        expect((await send(request("ping"), { origin })).status, origin).toBe(200)
      }
    },
    { origins: ["https://chat.example"] }
  )

  test("a version of MCP that the server does not speak is refused", async ({ as }) => {
    const send = await as("notes:read")
    expect((await send(request("ping"), { "mcp-protocol-version": "2099-01-01" })).status).toBe(400)
    expect((await send(request("ping"), { "mcp-protocol-version": "2025-06-18" })).status).toBe(200)
  })

  test(
    "a body above the limit gets 413",
    async ({ as }) => {
      const response = await (await as("notes:read notes:write"))(add("x".repeat(2000)))
      expect(response.status).toBe(413)
    },
    { maxBodySize: 1000 }
  )

  test("a result that is a list is text only, because structured content is an object (MCP, Tools)", async ({ as }) => {
    const response = await (await as("notes:read"))(call("list_notes"))
    const content = [expect.objectContaining({ type: "text", text: "[]" })]
    expect(await response.json()).toEqual({ jsonrpc: "2.0", id: 1, result: { isError: false, content } })
  })

  test("a body of 100 KiB is read", async ({ as, kept }) => {
    expect((await (await as("notes:read notes:write"))(add("x".repeat(100_000)))).status).toBe(200)
    expect(kept[0]).toHaveLength(100_000)
  })

  test("a client in a browser may send a request and read each answer", async ({ as, server }) => {
    const preflight = await server.send(resource, {
      method: "OPTIONS",
      headers: { origin: "http://localhost:6274", "access-control-request-headers": "mcp-method" }
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get("access-control-allow-methods")).toBe("POST, OPTIONS")
    expect(preflight.headers.get("access-control-allow-headers")).toContain("mcp-method")
    const send = await as("notes:read")
    const answers = [
      await server.send(resource, { method: "POST" }),
      await send(add("x")),
      await send(request("ping")),
      await send(undefined, {}, "GET")
    ]
    expect(answers.map(({ status }) => status)).toEqual([401, 403, 200, 405])
    for (const { headers } of answers) {
      expect(headers.get("access-control-allow-origin")).toBe("*")
      expect(headers.get("access-control-expose-headers")).toContain("WWW-Authenticate")
    }
  })
})

it("the table of a guard takes only names of its toolkit", () => {
  // @ts-expect-error the toolkit has no tool of this name
  const guard = McpAuth.layer({ scopes: [], toolkit: Tools, tools: { add_notes: ["notes:write"] } })
  expect(Layer.isLayer(guard)).toBe(true)
})
