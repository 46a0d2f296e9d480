/** The tests of the API and the MCP server, in this process and in memory. */
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TestClient } from "latchkey/testing"
import { App, issuer, resources } from "./app.js"

const serve = TestClient.serve(App.pipe(Layer.provide(MemoryStorage.layer)))

/** A JSON request by POST. */
const post = (body: unknown) => ({
  method: "POST",
  headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
  body: JSON.stringify(body)
})
const callTool = post({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "list_notes", arguments: {} } })

it.scoped("a note that the API wrote is read by the MCP server, each with a token of its own", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const writer = { user: "ada", scopes: ["notes:write"], resource: resources.api }
    const forApi = yield* client.accessToken(writer)
    const forMcp = yield* client.accessToken({ ...writer, scopes: ["notes:read"], resource: resources.mcp })
    expect((yield* client.fetch("/api/notes", { ...post("Buy milk"), token: forApi })).status).toBe(201)
    // `notes:write` implies `notes:read`.
    const listed = yield* client.fetch("/api/notes", { token: forApi })
    expect(yield* Effect.promise(() => listed.json())).toEqual(["Buy milk"])
    const answer = yield* client.fetch("/mcp", { ...callTool, token: forMcp })
    expect(yield* Effect.promise(() => answer.text())).toContain("Buy milk")
  })
)

it.scoped("a token for the API is not valid at the MCP server, although both have its scope (RFC 8707 §2)", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const token = yield* client.accessToken({ user: "ada", scopes: ["notes:read"], resource: resources.api })
    expect((yield* client.fetch("/mcp", { ...callTool, token })).status).toBe(401)
  })
)

it.scoped("a token for reading cannot write, and learns which scope it needs (RFC 6750 §3.1)", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const token = yield* client.accessToken({ user: "ada", scopes: ["notes:read"], resource: resources.api })
    const response = yield* client.fetch("/api/notes", { ...post("Buy milk"), token })
    expect(response.status).toBe(403)
    expect(response.headers.get("www-authenticate")).toContain('scope="notes:write notes:read"')
  })
)

it.scoped("each resource has its own metadata, and the root has none", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const wellKnown = "/.well-known/oauth-protected-resource"
    for (const path of ["/api", "/mcp"]) {
      const metadata = yield* client.fetch(wellKnown + path)
      expect(yield* Effect.promise(() => metadata.json())).toMatchObject({ resource: issuer + path })
    }
    expect((yield* client.fetch(wellKnown)).status).toBe(404)
  })
)
