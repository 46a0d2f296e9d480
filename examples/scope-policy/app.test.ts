/** The example does what it says: a client that acts for itself is no editor, so it may read and not write. */
import { HttpLayerRouter } from "@effect/platform"
import { Effect, Layer, Option, Redacted } from "effect"
import * as MemoryStore from "latchkey/layers/MemoryStore"
import { ClientRegistration } from "latchkey/services"
import { expect, it } from "vitest"
import { App, issuer } from "./app.js"

it("gives what the policy leaves of what is asked", async () => {
  const made: Array<string> = []
  const register = Layer.effectDiscard(
    Effect.gen(function* () {
      const { client, secret } = yield* (yield* ClientRegistration.ClientRegistration).create({
        grant_types: ["client_credentials"],
        scope: "notes:read notes:write"
      })
      made.push(client.id, Redacted.value(Option.getOrThrow(secret)))
    })
  )
  const { dispose, handler } = HttpLayerRouter.toWebHandler(
    Layer.provideMerge(register, App).pipe(Layer.provide(MemoryStore.layer)),
    { disableLogger: true }
  )
  // The first request builds the app.
  await handler(new Request(`${issuer}/health`))
  const answer = await handler(
    new Request(`${issuer}/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "client_credentials" }),
      headers: { authorization: `Basic ${btoa(made.join(":"))}` }
    })
  )
  expect(await answer.json()).toMatchObject({ scope: "notes:read" })
  await dispose()
})
