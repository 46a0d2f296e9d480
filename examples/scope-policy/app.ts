/** An app that decides what people may get: everybody may let an app read their notes, and editors may let it write. */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Option } from "effect"
import { AuthLayer, BearerAuth, CurrentAccess, ScopePolicy } from "latchkey"
import { Scope } from "latchkey/domain"

export const issuer = "http://127.0.0.1:3000"

/** The app would look into its own database. */
const editors = new Set<string>(["ada"])

const Policy = ScopePolicy.layer(({ account, scope }) =>
  Effect.succeed(
    Option.exists(account, ({ username }) => editors.has(username))
      ? scope
      : Scope.difference(scope, Scope.make("notes:write"))
  )
)

const Notes = HttpLayerRouter.add(
  "GET",
  "/notes",
  Effect.map(CurrentAccess, ({ scope }) => HttpServerResponse.unsafeJson({ mayWrite: scope.has("notes:write") }))
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }]
}).pipe(Layer.provide(Policy))

/** The whole app; what it still needs is a storage. */
export const App = Layer.provideMerge(Notes, Auth)
