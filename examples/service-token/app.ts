/** An app whose routes let services in: programs that act for themselves, with a client that the app makes in code. */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"

export const issuer = "http://127.0.0.1:3000"

/** For people and for services. A client's token has no person: its subject is the client. */
const Count = HttpLayerRouter.add(
  "GET",
  "/notes/count",
  Effect.map(CurrentAccess, ({ principal, subject }) =>
    HttpServerResponse.unsafeJson({ count: 2, askedBy: `${principal} ${subject}` })
  )
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"], principals: ["User", "Client"] })))

/** For people alone, as every guard is that does not name `principals`. */
const Notes = HttpLayerRouter.add("GET", "/notes", HttpServerResponse.unsafeJson(["Buy milk", "Call Ada"])).pipe(
  Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))
)

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } }]
})

/** The whole app; what it still needs is a storage. */
export const App = Layer.provideMerge(Layer.merge(Count, Notes), Auth)
