/** The example does what it says: the policy decides by the person whom the app's own login names. */
import { HttpLayerRouter } from "@effect/platform"
import { Effect, Layer, Option, Redacted } from "effect"
import { ClientRegistration } from "latchkey/ClientRegistration"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { afterAll, expect, it } from "vitest"
import { issuer } from "../own-login/app.js"
import { signIn } from "../own-login/signIn.js"
import { App } from "./app.js"

const made: Array<string> = []
const register = Layer.effectDiscard(
  Effect.gen(function* () {
    const { client, secret } = yield* (yield* ClientRegistration).create({
      grant_types: ["client_credentials"],
      scope: "notes:read notes:write"
    })
    made.push(client.id, Redacted.value(Option.getOrThrow(secret)))
  })
)
const { dispose, handler } = HttpLayerRouter.toWebHandler(
  Layer.provideMerge(register, App).pipe(Layer.provide(MemoryStorage.layer)),
  { disableLogger: true }
)
afterAll(dispose)

it.each([
  [{ name: "ada", password: "difference engine" }, "user-1", "notes:read notes:write"],
  [{ name: "bob", password: "correct horse battery" }, "user-2", "notes:read"]
])("offers %j what the policy leaves, and the token is theirs", async (person, subject, scope) => {
  const { call, consent, tokens } = await signIn(handler, person)
  expect(consent.includes("Write notes")).toBe(scope.includes("notes:write"))
  expect(tokens.scope).toBe(scope)
  expect(await (await call("/notes")).json()).toEqual({ subject, mayWrite: scope.includes("notes:write") })
})

it("gives a client that acts for itself what the policy leaves, for it is no editor", async () => {
  const answer = await handler(
    new Request(`${issuer}/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "client_credentials" }),
      headers: { authorization: `Basic ${btoa(made.join(":"))}` }
    })
  )
  expect(await answer.json()).toMatchObject({ scope: "notes:read" })
})
