/** The quick start of the README takes the user from the session of the app. */
import { DateTime, Effect, Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TestClient } from "latchkey/testing"
import { expect, it } from "vitest"
import { sessions } from "./app.js"
import { Auth } from "./session.js"

const visit = (headers: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const client = yield* TestClient.serve(Layer.provide(Auth, MemoryStorage.layer))
    return yield* client.fetch("/account", { headers })
  }).pipe(Effect.scoped, Effect.runPromise)

it("a user without a session is sent to the login of the app", async () => {
  const answer = await visit()
  expect(answer.status).toBe(303)
  expect(answer.headers.get("location")).toMatch(/^\/login\?return_to=http/)
})

it("a user with a session of the app is logged in", async () => {
  const authenticatedAt = DateTime.unsafeMake(Date.now())
  sessions.set("s-1", { subject: "user-1", displayName: "Ada Lovelace", sessionId: "s-1", authenticatedAt })
  const answer = await visit({ cookie: "session=s-1" })
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain("Ada Lovelace")
})
