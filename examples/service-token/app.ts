/** An app whose routes accept services: programs that act for themselves, with a client that the app creates in code. */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"

export const issuer = "http://127.0.0.1:3000"

/** Accepts users and services. A client's own token has no user: its subject is the client. */
const Count = HttpLayerRouter.add(
  "GET",
  "/notes/count",
  Effect.map(CurrentAccess, ({ principal, subject }) =>
    HttpServerResponse.unsafeJson({ count: 2, askedBy: `${principal} ${subject}` })
  )
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"], principals: ["User", "Client"] })))

/** Accepts only users, as every guard without `principals` does. */
const Notes = HttpLayerRouter.add("GET", "/notes", HttpServerResponse.unsafeJson(["Buy milk", "Call Ada"])).pipe(
  Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))
)

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } }]
})

/** The whole app, which only needs a storage. */
export const App = Layer.provideMerge(Layer.merge(Count, Notes), Auth)
