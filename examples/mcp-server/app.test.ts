/** The tests of the MCP server, in this process and in memory. */
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TestClient } from "latchkey/testing"
import { App, issuer } from "./app.js"

const serve = TestClient.serve(App.pipe(Layer.provide(MemoryStorage.layer)))

/** A JSON-RPC request. */
const call = (method: string, params: object = {}) => ({
  method: "POST",
  headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })
})

it.scoped("the tool knows the user whose token is sent", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const { id } = yield* client.account("ada")
    const token = yield* client.accessToken({ user: "ada", scopes: ["tools:use"] })
    const response = yield* client.fetch("/mcp", { ...call("tools/call", { name: "whoami", arguments: {} }), token })
    expect(response.status).toBe(200)
    expect(yield* Effect.promise(() => response.text())).toContain(id)
  })
)

it.scoped("a tool needs its own scope, and the refusal names the whole scope (RFC 6750 §3.1)", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const token = yield* client.accessToken({ user: "ada", scopes: ["tools:use"] })
    const response = yield* client.fetch("/mcp", { ...call("tools/call", { name: "roll_dice" }), token })
    expect(response.status).toBe(403)
    expect(response.headers.get("www-authenticate")).toContain('scope="tools:use dice:roll"')
  })
)

it.scoped("a token without tools:use is refused", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const token = yield* client.accessToken({ user: "ada", scopes: ["dice:roll"] })
    expect((yield* client.fetch("/mcp", { ...call("tools/list"), token })).status).toBe(403)
  })
)

it.scoped("a client without a token learns how to get one (MCP authorization, RFC 6750 §3)", () =>
  Effect.gen(function* () {
    const response = yield* (yield* serve).fetch("/mcp", call("tools/list"))
    expect(response.status).toBe(401)
    expect(response.headers.get("www-authenticate")).toBe(
      `Bearer scope="tools:use", resource_metadata="${issuer}/.well-known/oauth-protected-resource/mcp"`
    )
  })
)
