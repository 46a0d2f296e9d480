/** Runs the app on one SQLite file: `npx tsx examples/express-mcp/main.ts`. */
import * as SqliteStorage from "latchkey/SqliteStorage"
import { make } from "./app.js"

const { app, auth } = make("http://127.0.0.1:3000", SqliteStorage.layer({ filename: "auth.db" }))
await auth.ready()
app.listen(3000, "127.0.0.1")
