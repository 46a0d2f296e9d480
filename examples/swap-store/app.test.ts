/** A test that replaces the storage, the clock and the login of an app, each by one layer. */
import { expect, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, TestClock } from "effect"
import { ResourceOwner } from "latchkey"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TestClient } from "latchkey/testing"
import { App } from "../compose/app.js"

const Ada = ResourceOwner.layer({
  find: () =>
    Effect.map(DateTime.now, (authenticatedAt) =>
      Option.some({ subject: "ada", displayName: "Ada", sessionId: "the session of the test", authenticatedAt })
    ),
  loginUrl: (returnTo) => returnTo
})

it.scoped("an access token is valid for ten minutes", () =>
  Effect.gen(function* () {
    const client = yield* TestClient.serve(App.pipe(Layer.provide([MemoryStorage.layer, Ada])))
    const token = yield* client.accessToken({ user: "ada", scopes: ["notes:read"] })
    yield* TestClock.adjust("599 seconds")
    const response = yield* client.fetch("/notes", { token })
    expect(yield* Effect.promise(() => response.json())).toMatchObject({ subject: "ada" })
    yield* TestClock.adjust("1 second")
    expect((yield* client.fetch("/notes", { token })).status).toBe(401)
  })
)
