/** The tests of the API, in this process and in memory. */
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TestClient } from "latchkey/testing"
import { App, issuer } from "./app.js"

const serve = TestClient.serve(App.pipe(Layer.provide(MemoryStorage.layer)))

it.scoped("the API answers a token with notes:read, and refuses others", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const token = yield* client.accessToken({ user: "ada", scopes: ["notes:read"] })
    const response = yield* client.fetch("/notes", { token })
    expect(response.status).toBe(200)
    expect(yield* Effect.promise(() => response.json())).toMatchObject({ notes: ["Buy milk"] })
    const without = yield* client.accessToken({ user: "ada", scopes: ["notes:write"] })
    expect((yield* client.fetch("/notes", { token: without })).status).toBe(403)
  })
)

it.scoped("the refusal without a token names the metadata of the resource (RFC 9728 §5.1)", () =>
  Effect.gen(function* () {
    const response = yield* (yield* serve).fetch("/notes")
    expect(response.status).toBe(401)
    expect(response.headers.get("www-authenticate")).toContain(
      `resource_metadata="${issuer}/.well-known/oauth-protected-resource/notes"`
    )
  })
)

interface OpenApi {
  readonly components: { readonly securitySchemes: Readonly<Record<string, unknown>> }
  readonly paths: Readonly<Record<string, { readonly get: { readonly security: ReadonlyArray<unknown> } }>>
}

it.scoped("the OpenAPI document shows the security scheme of the guard", () =>
  Effect.gen(function* () {
    const response = yield* (yield* serve).fetch("/openapi.json")
    const document = (yield* Effect.promise(() => response.json())) as OpenApi
    expect(Object.values(document.components.securitySchemes)).toEqual([
      expect.objectContaining({ type: "http", scheme: "bearer" })
    ])
    expect(document.paths["/notes"]?.get.security).toHaveLength(1)
  })
)
