/** A test of a guarded route alone: a list of tokens takes the place of the authorization server. */
import { HttpLayerRouter } from "@effect/platform"
import { Layer } from "effect"
import { TokenVerifier } from "latchkey/testing"
import { expect, it } from "vitest"
import { Notes } from "./app.js"

const Tokens = TokenVerifier.layerTest({
  "of-ada": { subject: "ada", scopes: ["notes:read"] },
  "of-bob": { subject: "bob", scopes: [] }
})
const { handler } = HttpLayerRouter.toWebHandler(Layer.provide(Notes, Tokens), { disableLogger: true })

it.each([
  ["of-ada", 200],
  ["of-bob", 403],
  ["of-eve", 401]
])("the token %s gets %i", async (token, status) => {
  const headers = { authorization: `Bearer ${token}` }
  expect((await handler(new Request("http://127.0.0.1:3000/notes", { headers }))).status).toBe(status)
})
