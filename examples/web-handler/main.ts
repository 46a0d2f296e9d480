/** Runs the app on one SQLite file: `npx tsx examples/web-handler/main.ts`. */
import { serve } from "@hono/node-server"
import * as SqliteStorage from "latchkey/SqliteStorage"
import { make } from "./app.js"

const { app } = make("http://127.0.0.1:3000", SqliteStorage.layer({ filename: "auth.db" }))
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 3000 })
