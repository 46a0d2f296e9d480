/** An MCP server behind its authorization server, in one process on port 3000. */
import { serve } from "@hono/node-server"
import * as SqliteStorage from "latchkey/SqliteStorage"
import * as WebHandler from "latchkey/WebHandler"
import { mcp } from "./mcp-server.js" // your MCP server: takes a Request, answers with a Response

const resources = [{ uri: "http://127.0.0.1:3000/mcp", scopes: { "tools:use": "Use my tools" } }]
const auth = WebHandler.make({ issuer: "http://127.0.0.1:3000", resources }, SqliteStorage.layer({ filename: "my.db" }))
const guard = auth.guard({ scopes: ["tools:use"] })
const guarded = async (request: Request) => (await guard(request)).response ?? mcp(request)
const app = (request: Request) => (new URL(request.url).pathname === "/mcp" ? guarded(request) : auth.handler(request))
serve({ fetch: app, hostname: "127.0.0.1", port: 3000 })
