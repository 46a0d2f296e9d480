/** The quick start of the README refuses a request without a token, says where to get one, and then lets it in. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import * as AuthLayer from "latchkey/AuthLayer"
import * as SqliteStorage from "latchkey/SqliteStorage"
import { TestClient } from "latchkey/testing"
import { afterAll, beforeAll, expect, it, vi } from "vitest"

/** The socket is the edge: the test calls the handler that the program gives it. */
const served = vi.hoisted(() => ({ fetch: async (_: Request): Promise<Response> => Response.error() }))
vi.mock("@hono/node-server", () => ({ serve: (options: typeof served) => Object.assign(served, options) }))

const issuer = "http://127.0.0.1:3000"
const before = process.cwd()
const folder = mkdtempSync(join(tmpdir(), "quick-start-"))

beforeAll(async () => {
  process.chdir(folder)
  await import("./mcp.js")
})
afterAll(() => {
  process.chdir(before)
  rmSync(folder, { recursive: true })
})

const ping = (token?: string) =>
  served.fetch(
    new Request(`${issuer}/mcp`, {
      method: "POST",
      headers: {
        accept: "application/json, text/event-stream",
        "content-type": "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` })
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "initialize",
        params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } }
      })
    })
  )

/** A token of Ada's, from the same settings and the same file. */
const token = () => {
  const resources = [{ uri: `${issuer}/mcp`, scopes: { "tools:use": "Use my tools" } }]
  return TestClient.accessToken({ user: "ada", scopes: ["tools:use"] }).pipe(
    Effect.provide(
      Layer.provide(
        AuthLayer.layerServices({ issuer, resources }),
        SqliteStorage.layer({ filename: join(folder, "my.db") })
      )
    ),
    Effect.runPromise
  )
}

it("a request without a token is refused, and its challenge leads to the authorization server", async () => {
  const refused = await ping()
  expect(refused.status).toBe(401)
  const [, metadataUrl = ""] = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "") ?? []
  const metadata = await (await served.fetch(new Request(metadataUrl))).json()
  expect(metadata).toMatchObject({ resource: `${issuer}/mcp`, authorization_servers: [issuer] })
  const server = await served.fetch(new Request(`${issuer}/.well-known/oauth-authorization-server`))
  expect(await server.json()).toMatchObject({ issuer, registration_endpoint: `${issuer}/register` })
})

it("a request with a token of a user reaches the MCP server", async () => {
  const answer = await ping(await token())
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ result: { serverInfo: { name: "quick-start" } } })
})
