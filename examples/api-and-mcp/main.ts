/** Runs the API and the MCP server on one SQLite file: `npx tsx examples/api-and-mcp/main.ts`. */
import { HttpLayerRouter } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import * as NodeServer from "latchkey/NodeServer"
import * as SqliteStorage from "latchkey/SqliteStorage"
import { App } from "./app.js"

HttpLayerRouter.serve(App, { disableLogger: true }).pipe(
  Layer.provide(NodeHttpServer.layer(NodeServer.createServer, { host: "127.0.0.1", port: 3000 })),
  Layer.provide(SqliteStorage.layer({ filename: "auth.db" })),
  Layer.launch,
  NodeRuntime.runMain
)
