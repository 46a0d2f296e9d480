/** The tests of the app, in this process and in memory. */
import { expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { TestClient } from "latchkey/testing"
import * as oauth from "oauth4webapi"
import { App, issuer } from "./app.js"

const serve = TestClient.serve(App.pipe(Layer.provide(MemoryStorage.layer)))

it.scoped("the open route answers without a token", () =>
  Effect.gen(function* () {
    const client = yield* serve
    expect((yield* client.fetch("/")).status).toBe(200)
  })
)

it.scoped("the notes are for users who allowed notes:read", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const token = yield* client.accessToken({ user: "ada", scopes: ["notes:read"] })
    expect((yield* client.fetch("/notes", { token })).status).toBe(200)
    const without = yield* client.accessToken({ user: "ada", scopes: ["notes:write"] })
    expect((yield* client.fetch("/notes", { token: without })).status).toBe(403)
    expect((yield* client.fetch("/notes")).status).toBe(401)
  })
)

it.scoped("the notes are those of the user whose token is sent", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const { id } = yield* client.account("ada")
    const token = yield* client.accessToken({ user: "ada", scopes: ["notes:read"] })
    const response = yield* client.fetch("/notes", { token })
    expect(yield* Effect.promise(() => response.json())).toEqual({ subject: id, notes: ["Buy milk"] })
  })
)

it.scoped("the refusal of the guarded route leads a client to the server (RFC 9728 §5.1, RFC 8414 §3)", () =>
  Effect.gen(function* () {
    const client = yield* serve
    const refused = yield* client.fetch("/notes")
    const [, metadataUrl = ""] = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "") ?? []
    const metadata = yield* client.fetch(metadataUrl)
    expect(yield* Effect.promise(() => metadata.json())).toMatchObject({
      resource: `${issuer}/notes`,
      authorization_servers: [issuer]
    })
    const discovered = yield* client.fetch("/.well-known/oauth-authorization-server")
    const server = yield* Effect.promise(() => oauth.processDiscoveryResponse(new URL(issuer), discovered))
    expect(server).toMatchObject({ token_endpoint: `${issuer}/token`, registration_endpoint: `${issuer}/register` })
  })
)
