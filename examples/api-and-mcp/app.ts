/** A REST API and an MCP server over the same notes: two resources with the same scopes. */
import { McpServer, Tool, Toolkit } from "@effect/ai"
import { HttpLayerRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Option, Schema } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"
import { notesOf, write } from "./notes.js" // your own database

export const issuer = "http://127.0.0.1:3000"
export const resources = { api: `${issuer}/api`, mcp: `${issuer}/mcp` }
const scopes = { "notes:read": "Read your notes", "notes:write": "Write notes" }
const implies = { "notes:write": ["notes:read"] }

/** A guard says which of the two resources it guards. */
const guard = (resource: string, scope: string) => Layer.provide(BearerAuth.layer({ resource, scopes: [scope] }))

const read = Effect.map(CurrentAccess, ({ subject }) => HttpServerResponse.unsafeJson(notesOf(subject)))
const add = Effect.zipWith(CurrentAccess, HttpServerRequest.schemaBodyJson(Schema.String), ({ subject }, text) =>
  HttpServerResponse.unsafeJson(write(subject, text), { status: 201 })
)
const Read = HttpLayerRouter.add("GET", "/api/notes", read).pipe(guard(resources.api, "notes:read"))
const Write = HttpLayerRouter.add("POST", "/api/notes", add).pipe(guard(resources.api, "notes:write"))

const Tools = Toolkit.make(Tool.make("list_notes", { success: Schema.Array(Schema.String) }))
const onSome = ({ subject }: CurrentAccess["Type"]) => notesOf(subject)
// A tool runs inside the request that calls it, so its context has the access of the guard.
const list_notes = () => Effect.map(Effect.serviceOption(CurrentAccess), Option.match({ onNone: () => [], onSome }))
const Mcp = McpServer.toolkit(Tools).pipe(
  Layer.provide(Tools.toLayer({ list_notes })),
  Layer.provide(McpServer.layerHttpRouter({ name: "notes", version: "1.0.0", path: "/mcp" })),
  guard(resources.mcp, "notes:read")
)
const api = { uri: resources.api, name: "Your notes", scopes, implies }
const mcp = { uri: resources.mcp, name: "Your notes, for assistants", scopes, implies }
/** The whole app. It needs a storage and a server. */
export const App = Layer.provideMerge(
  Layer.mergeAll(Read, Write, Mcp),
  AuthLayer.layer({ issuer, resources: [api, mcp] })
)
