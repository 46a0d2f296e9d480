/**
 * An app with a login of its own that decides what its people may get: everybody may let a client read their notes, and
 * editors may let it write. The policy calls a person by the name that the login gave.
 */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Option } from "effect"
import { AuthLayer, BearerAuth, ScopePolicy } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"
import * as Scope from "latchkey/Scope"
import { issuer, Login, Owner } from "../own-login/app.js"

/** The app would look into its own database. */
const editors = new Set<string>(["user-1"])

const Policy = ScopePolicy.layer(({ scope, subject }) =>
  Effect.succeed(
    Option.exists(subject, (id) => editors.has(id)) ? scope : Scope.difference(scope, Scope.make("notes:write"))
  )
)

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

/** The whole app; what it still needs is a storage. */
export const App = Layer.provideMerge(Layer.merge(Login, Notes), Auth)
