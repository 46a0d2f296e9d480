/** The tests of the policy: it decides by the subject that the app's own login gives. */
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TestClient } from "latchkey/testing"
import { App } from "./app.js"

const serve = TestClient.serve(App.pipe(Layer.provide(MemoryStorage.layer)))
const scopes = ["notes:read", "notes:write"]

for (const [subject, mayWrite] of [
  ["user-1", true],
  ["user-2", false]
] as const) {
  it.scoped(`the policy lets ${subject} ${mayWrite ? "read and write" : "only read"}`, () =>
    Effect.gen(function* () {
      const client = yield* serve
      const token = yield* client.accessToken({ user: subject, scopes })
      const response = yield* client.fetch("/notes", { token })
      expect(response.status).toBe(200)
      expect(yield* Effect.promise(() => response.json())).toEqual({ subject, mayWrite })
    })
  )
}

it.scoped("the route refuses a token without notes:read, and a request without a token", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const token = yield* client.accessToken({ user: "user-1", scopes: ["notes:write"] })
    expect((yield* client.fetch("/notes", { token })).status).toBe(403)
    expect((yield* client.fetch("/notes")).status).toBe(401)
  })
)

it.scoped("the policy permits notes:write to no client that acts for itself", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const refused = yield* Effect.flip(client.accessToken({ scopes: ["notes:write"] }))
    expect(refused.reason).toBe("InvalidScope")
  })
)
