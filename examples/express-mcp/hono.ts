/** An MCP server of the official SDK on Hono, with the authorization server in the same process. */
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server"
import { Hono } from "hono"
import { type AuthInfo, honoGuard } from "latchkey/McpGuard"
import * as MemoryStorage from "latchkey/MemoryStorage"
import * as WebHandler from "latchkey/WebHandler"

const issuer = "http://127.0.0.1:3000"
const resources = [{ uri: `${issuer}/mcp`, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }]
export const auth = WebHandler.make({ issuer, resources }, MemoryStorage.layer)
export const guard = auth.guard({ scopes: ["notes:read"], tools: { add_note: ["notes:write"] } })
const mcp = createMcpHandler(() => new McpServer({ name: "notes", version: "1.0.0" }))

export const app = new Hono<{ Variables: { auth: AuthInfo } }>()
app.all("/mcp", honoGuard(guard), (c) => mcp.fetch(c.req.raw, { authInfo: c.get("auth") }))
app.all("*", (c) => auth.handler(c.req.raw))
