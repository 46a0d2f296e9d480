/** The tests of the app: a client made in code gets a token for itself, and passes where clients may. */
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TestClient } from "latchkey/testing"
import { App } from "./app.js"
import { makeReportClient } from "./reportClient.js"

const serve = TestClient.serve(App.pipe(Layer.provide(MemoryStorage.layer)))

it.scoped("a client's own token opens the route for clients, and not the route for users", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const { client: report } = yield* Effect.provide(makeReportClient, client.services)
    const token = yield* client.accessToken({ clientId: report.id, scopes: ["notes:read"] })
    const count = yield* client.fetch("/notes/count", { token })
    expect(yield* Effect.promise(() => count.json())).toEqual({ count: 2, askedBy: `Client ${report.id}` })
    const refused = yield* client.fetch("/notes", { token })
    expect(refused.status).toBe(403)
    expect(yield* Effect.promise(() => refused.json())).toMatchObject({ error: "insufficient_scope" })
  })
)

it.scoped("a user's token opens both routes", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const token = yield* client.accessToken({ user: "ada", scopes: ["notes:read"] })
    expect((yield* client.fetch("/notes/count", { token })).status).toBe(200)
    expect((yield* client.fetch("/notes", { token })).status).toBe(200)
    expect((yield* client.fetch("/notes")).status).toBe(401)
  })
)
