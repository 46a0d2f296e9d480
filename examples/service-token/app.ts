/** An app whose route accepts services: clients that act for themselves. */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"

export const issuer = "http://127.0.0.1:3000"

/** For users and for services. The token of a service has no user: its subject is the client. */
const Count = HttpLayerRouter.add(
  "GET",
  "/notes/count",
  Effect.map(CurrentAccess, ({ principal, subject }) =>
    HttpServerResponse.unsafeJson({ count: 2, askedBy: `${principal} ${subject}` })
  )
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"], principals: ["User", "Client"] })))

/** For users only, as every guard without `principals`. */
const Notes = HttpLayerRouter.add("GET", "/notes", HttpServerResponse.unsafeJson(["Buy milk", "Call Ada"])).pipe(
  Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))
)

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } }]
})

/** The whole app. It needs a storage and a server. */
export const App = Layer.provideMerge(Layer.merge(Count, Notes), Auth)
