/** An app whose pages are its own, under its own name and colours. */
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { AuthLayer, BearerAuth } from "latchkey"
import { CurrentAccess } from "latchkey/CurrentAccess"
import * as FirstAccountSetup from "latchkey/FirstAccountSetup"
import { OwnPages } from "./pages.js"

export const issuer = "http://127.0.0.1:3000"

const Notes = HttpLayerRouter.add(
  "GET",
  "/notes",
  Effect.map(CurrentAccess, ({ subject }) => HttpServerResponse.unsafeJson({ subject, notes: ["Buy milk"] }))
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const Auth = AuthLayer.layer({
  issuer,
  resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } }],
  brand: { name: "Notes", color: "#6d28d9", supportUrl: "mailto:help@notes.example" }
}).pipe(Layer.provide(OwnPages))

/** The whole app; what it still needs is a storage. */
export const App = Layer.provideMerge(Layer.merge(Notes, FirstAccountSetup.layer), Auth)
