/** The helpers that `latchkey/testing` gives to the tests of an app. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BearerAuth from "../../src/http/guard/BearerAuth.js"
import * as AuthLayer from "../../src/layers/AuthLayer.js"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import { CurrentAccess } from "../../src/services/tokens/CurrentAccess.js"
import * as TestClient from "../../src/testing/TestClient.js"
import * as TokenVerifier from "../../src/testing/TokenVerifier.js"

const issuer = "https://auth.example.com"
const route = (path: HttpLayerRouter.PathInput, options: BearerAuth.Options) =>
  HttpLayerRouter.add(
    "GET",
    path,
    Effect.map(CurrentAccess, ({ clientId, principal, resource, subject }) =>
      HttpServerResponse.unsafeJson({ subject, principal, clientId, resource })
    )
  ).pipe(Layer.provide(BearerAuth.layer(options)))

const json = (response: Response) => Effect.promise(() => response.json())

/** Sends a request with a token to a guarded route that needs `notes:read`, on a verifier of these tokens. */
const call = (
  tokens: Parameters<typeof TokenVerifier.layerTest>[0],
  token: string,
  options: Partial<BearerAuth.Options> = {}
) => {
  const notes = route("/notes", { scopes: ["notes:read"], ...options })
  const { handler } = HttpLayerRouter.toWebHandler(Layer.provide(notes, TokenVerifier.layerTest(tokens)), {
    disableLogger: true
  })
  const headers = { authorization: `Bearer ${token}` }
  return Effect.promise(() => handler(new Request("https://api.example.com/notes", { headers })))
}

it.effect("TokenVerifier.layerTest gives a token its access", () =>
  Effect.gen(function* () {
    const response = yield* call({ good: { subject: "ada", scopes: ["notes:read"] } }, "good")
    expect(response.status).toBe(200)
    expect(yield* json(response)).toMatchObject({ subject: "ada", principal: "User", clientId: "test-client" })
  })
)

it.effect("TokenVerifier.layerTest lets the guard refuse a token without the scope, and an unknown token", () =>
  Effect.gen(function* () {
    const tokens = { poor: { subject: "ada", scopes: [] } }
    expect((yield* call(tokens, "poor")).status).toBe(403)
    expect((yield* call(tokens, "another")).status).toBe(401)
    expect((yield* call({}, "another")).status).toBe(401)
  })
)

it.effect("TokenVerifier.layerTest gives tokens of clients, for one resource", () =>
  Effect.gen(function* () {
    const resource = "https://api.example.com/notes"
    const tokens = {
      service: { principal: "Client", subject: "report", scopes: ["notes:read"], resource },
      other: { principal: "Client", subject: "report", scopes: ["notes:read"], resource: `${issuer}/files` }
    } as const
    const options = { principals: ["Client"], resource } as const
    expect(yield* json(yield* call(tokens, "service", options))).toEqual({
      subject: "report",
      principal: "Client",
      clientId: "report",
      resource
    })
    expect((yield* call(tokens, "other", options)).status).toBe(401)
  })
)

const resources = [
  { uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } },
  { uri: `${issuer}/files`, scopes: { "files:read": "Read your files" } }
]
const App = Layer.mergeAll(
  route("/notes", { resource: `${issuer}/notes`, scopes: ["notes:read"], principals: ["User", "Client"] }),
  route("/files", { resource: `${issuer}/files`, scopes: ["files:read"] })
).pipe(Layer.provideMerge(AuthLayer.layer({ issuer, resources })), Layer.provide(MemoryStorage.layer))

it.scoped("TestClient gets a user's token for one resource", () =>
  Effect.gen(function* () {
    const client = yield* TestClient.serve(App)
    const { id } = yield* client.account("ada")
    const token = yield* client.accessToken({ user: "ada", scopes: ["files:read"], resource: `${issuer}/files` })
    expect(yield* json(yield* client.fetch("/files", { token }))).toMatchObject({ subject: id, principal: "User" })
    expect((yield* client.fetch("/notes", { token })).status).toBe(401)
    expect((yield* client.account("ada")).id).toBe(id)
  })
)

it.scoped("TestClient gets a client's own token", () =>
  Effect.gen(function* () {
    const client = yield* TestClient.serve(App)
    const token = yield* client.accessToken({ scopes: ["notes:read"], resource: `${issuer}/notes` })
    expect(yield* json(yield* client.fetch("/notes", { token }))).toMatchObject({ principal: "Client" })
  })
)

it.scoped("TestClient fails with the error of the server", () =>
  Effect.gen(function* () {
    const client = yield* TestClient.serve(App)
    const reasonOf = (request: TestClient.TokenRequest) =>
      Effect.map(Effect.flip(client.accessToken(request)), ({ reason }) => reason)
    expect(yield* reasonOf({ user: "ada", scopes: ["notes:delete"] })).toBe("InvalidScope")
    expect(yield* reasonOf({ user: "ada", scopes: [], resource: `${issuer}/other` })).toBe("InvalidTarget")
    expect(yield* reasonOf({ user: "ada", scopes: ["notes:read"], clientId: "unknown" })).toBe("UnknownClient")
  })
)

it.scoped("TestClient.accessToken works beside any handler on the same storage", () =>
  Effect.gen(function* () {
    const services = AuthLayer.layerServices({ issuer, resources }).pipe(Layer.provide(MemoryStorage.layer))
    const token = yield* Effect.provide(TestClient.accessToken({ user: "ada", scopes: ["notes:read"] }), services)
    expect(token).toMatch(/^lk_at_/)
  })
)
