/** The built-in pages with the name and colour of the app. */
import { AuthLayer } from "latchkey"

export const Auth = AuthLayer.layer({
  issuer: "https://notes.example.com",
  resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }],
  brand: { name: "Notes", color: "#6d28d9", supportUrl: "mailto:help@notes.example" }
})
