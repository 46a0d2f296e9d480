/** What an app of its own has already: sessions by cookie, and the address of its API. */
import type { ResourceOwner } from "latchkey"

/** The sessions of the app, by the value of its cookie. */
export const sessions = new Map<string, ResourceOwner.User>()

export const settings = {
  issuer: "http://127.0.0.1:3000",
  resources: [{ uri: "http://127.0.0.1:3000/notes", scopes: { "notes:read": "Read your notes" } }]
}
