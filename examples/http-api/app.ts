/** A guarded HttpApi. Its OpenAPI document shows the token that it needs. */
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpLayerRouter } from "@effect/platform"
import { Effect, Layer, Schema } from "effect"
import { AuthLayer, BearerAuthApi } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"

export const issuer = "http://127.0.0.1:3000"

class ReadNotes extends BearerAuthApi.Tag<ReadNotes>()("ReadNotes", { scopes: ["notes:read"] }) {}

const Notes = Schema.Struct({ subject: Schema.String, notes: Schema.Array(Schema.String) })

const notes = HttpApiGroup.make("notes")
  .add(HttpApiEndpoint.get("list", "/notes").addSuccess(Notes))
  .middleware(ReadNotes)

const Api = HttpApi.make("api").add(notes)

const Handlers = HttpApiBuilder.group(Api, "notes", (handlers) =>
  handlers.handle("list", () => Effect.map(CurrentAccess, ({ subject }) => ({ subject, notes: ["Buy milk"] })))
)

const Routes = HttpLayerRouter.addHttpApi(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide(Handlers),
  Layer.provide(ReadNotes.layer)
)

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" } }]
})

/** The whole app. It needs a storage and a server. */
export const App = Layer.provideMerge(Routes, Auth)
