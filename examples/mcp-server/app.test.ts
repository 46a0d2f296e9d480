/** An MCP client meets the guard, and nothing behind it. */
import { HttpLayerRouter } from "@effect/platform"
import { Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { afterAll, expect, it } from "vitest"
import { App, issuer } from "./app.js"

const { dispose, handler } = HttpLayerRouter.toWebHandler(App.pipe(Layer.provide(MemoryStorage.layer)), {
  disableLogger: true
})
afterAll(dispose)

it("keeps strangers from the tools, and tells them how to come in (MCP authorization, RFC 6750 §3)", async () => {
  const response = await handler(
    new Request(`${issuer}/mcp`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" })
    })
  )
  expect(response.status).toBe(401)
  expect(response.headers.get("www-authenticate")).toBe(
    `Bearer scope="tools:use", resource_metadata="${issuer}/.well-known/oauth-protected-resource/mcp"`
  )
})
