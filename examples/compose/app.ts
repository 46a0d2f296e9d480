/** An app with two routes, one of them guarded, and its authorization server. */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"

export const issuer = "http://127.0.0.1:3000"

const Welcome = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("The notes are at /notes."))

export const Notes = HttpLayerRouter.add(
  "GET",
  "/notes",
  Effect.map(CurrentAccess, ({ subject }) => HttpServerResponse.unsafeJson({ subject, notes: ["Buy milk"] }))
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }]
})

/** The whole app. It needs a storage and a server. */
export const App = Layer.provideMerge(Layer.mergeAll(Welcome, Notes), Auth)
