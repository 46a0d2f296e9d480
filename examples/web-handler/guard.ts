/** A guard in another process than the authorization server, on the same storage. */
import { makeGuard } from "latchkey/guard"
import * as SqliteStorage from "latchkey/SqliteStorage"

const guard = makeGuard(
  { issuer: "https://auth.example.com", resource: "https://api.example.com/", scopes: ["notes:read"] },
  SqliteStorage.layer({ filename: "auth.db" })
)

export const notes = async (request: Request): Promise<Response> => {
  const { access, response } = await guard(request)
  return response ?? Response.json({ subject: access.subject, notes: ["Buy milk"] })
}
