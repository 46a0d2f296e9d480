/** A Hono app with a guarded route and the authorization server. */
import { getConnInfo } from "@hono/node-server/conninfo"
import type { Layer } from "effect"
import { Hono } from "hono"
import type { Storage } from "latchkey/Storage"
import * as WebHandler from "latchkey/WebHandler"

/** Returns the app. `dispose` closes the storage. */
export const make = <E>(issuer: string, storage: Layer.Layer<Storage, E>) => {
  const auth = WebHandler.make(
    {
      issuer,
      resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }]
    },
    storage
  )
  const notes = auth.guard({ scopes: ["notes:read"] })

  const app = new Hono()
  app.get("/", (c) => c.text("The notes are at /notes."))
  app.get("/notes", async (c) => {
    const { access, response } = await notes(c.req.raw)
    return response ?? c.json({ subject: access.subject, notes: ["Buy milk"] })
  })
  app.post("/notes", async (c) => {
    const { access, response } = await notes(c.req.raw, "notes:write")
    return response ?? c.json({ subject: access.subject }, 201)
  })
  // The authorization server answers everything else. Its limits use the address of the socket.
  app.all("*", (c) => auth.handler(c.req.raw, { remoteAddress: getConnInfo(c).remote.address }))

  return { app, dispose: auth.dispose }
}
