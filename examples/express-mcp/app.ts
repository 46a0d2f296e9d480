/** An MCP server of the official SDK on Express, with the authorization server in the same process. */
import { getRequestListener } from "@hono/node-server"
import { toNodeHandler } from "@modelcontextprotocol/node"
import { createMcpHandler, fromJsonSchema, McpServer } from "@modelcontextprotocol/server"
import type { Layer } from "effect"
import express from "express"
import { expressGuard } from "latchkey/McpGuard"
import type { Storage } from "latchkey/Storage"
import * as WebHandler from "latchkey/WebHandler"

const notes = new Map<unknown, ReadonlyArray<string>>()
const Note = fromJsonSchema<{ text: string }>({ type: "object", properties: { text: { type: "string" } } })

/** Makes the server of one request, whose tools act for the user of its access token. */
const mcp = createMcpHandler(({ authInfo }) => {
  const user = authInfo?.extra?.subject
  const answer = () => ({ content: [{ type: "text" as const, text: notes.get(user)?.join() ?? "no notes" }] })
  const server = new McpServer({ name: "notes", version: "1.0.0" })
  server.registerTool("list_notes", { description: "Lists your notes" }, answer)
  server.registerTool("add_note", { description: "Adds a note", inputSchema: Note }, ({ text }) => {
    notes.set(user, [...(notes.get(user) ?? []), text])
    return answer()
  })
  return server
})

/** Returns the app. `auth.dispose` closes the storage. */
export const make = <E>(issuer: string, storage: Layer.Layer<Storage, E>) => {
  const scopes = { "notes:read": "Read your notes", "notes:write": "Write notes" }
  const auth = WebHandler.make({ issuer, resources: [{ uri: `${issuer}/mcp`, scopes }] }, storage)
  const guard = auth.guard({ scopes: ["notes:read"], tools: { add_note: ["notes:write"] } })
  const handle = toNodeHandler(mcp)
  const app = express()
  app.all("/mcp", expressGuard(guard), (req, res) => handle(req, res, req.body))
  app.use(getRequestListener((req, { incoming: { socket } }) => auth.handler(req, socket)))
  return { app, auth }
}
