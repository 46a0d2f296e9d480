/** An app with its own login, and a policy that decides by the subject that the login gives. */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"
import { issuer, Login, Owner } from "../own-login/app.js"
import { Policy } from "./policy.js"

const Notes = HttpLayerRouter.add(
  "GET",
  "/notes",
  Effect.map(CurrentAccess, ({ scope, subject }) =>
    HttpServerResponse.unsafeJson({ subject, mayWrite: scope.has("notes:write") })
  )
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }]
}).pipe(Layer.provide(Layer.merge(Owner, Policy)))

/** The whole app. It needs a storage and a server. */
export const App = Layer.provideMerge(Layer.merge(Login, Notes), Auth)
