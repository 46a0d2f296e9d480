/** An app adds a client authentication method of its own by a layer. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as AuthMethods from "../../../src/services/AuthMethods.js"
import { basic, make, notes, outcome, routesOf, type TestServer } from "../support/Server.js"

const own = AuthMethods.layer({
  name: "tls_client_auth",
  read: ({ headers, parameters }) =>
    Either.right(
      Option.map(Option.fromNullable(headers["x-certificate"]), (credentials) => ({
        clientId: parameters.values.get("client_id")?.[0] ?? "",
        credentials
      }))
    ),
  verify: (subject, client) => Effect.succeed(subject === `CN=${client.id}`)
})

const grant = { grant_type: "client_credentials" }

describe("an authentication method of the app", () => {
  it.scoped("the method is in the metadata, and authenticates the clients that registered it", () =>
    Effect.gen(function* () {
      const server: TestServer = yield* make({ routes: Layer.merge(routesOf([notes]), own) })
      yield* Effect.promise(async () => {
        const metadata = (await (await server.send("/.well-known/oauth-authorization-server")).json()) as Record<
          string,
          unknown
        >
        for (const endpoint of ["token", "revocation", "introspection"]) {
          expect(metadata[`${endpoint}_endpoint_auth_methods_supported`]).toContain("tls_client_auth")
        }
        const client = await server.addClient({ token_endpoint_auth_method: "tls_client_auth" })
        expect(client.client_secret).toBeUndefined()
        const { client_id } = client
        const send = (parameters: object, headers: Readonly<Record<string, string>>) =>
          outcome(server.post("/token", { ...grant, ...parameters }, headers))
        expect(await send({ client_id }, { "x-certificate": `CN=${client_id}` })).toBe("200")
        expect(await send({ client_id }, { "x-certificate": "CN=other" })).toBe("401 invalid_client")
        expect(await send({ client_id }, {})).toBe("401 invalid_client")
        expect(await send({}, { "x-certificate": "CN=" })).toBe("401 invalid_client")
        const other = await server.addClient()
        const others = { client_id: other.client_id }
        expect(await send(others, { "x-certificate": `CN=${other.client_id}` })).toBe("401 invalid_client")
        const both = { ...basic(other.client_id, String(other.client_secret)), "x-certificate": "CN=x" }
        expect(await send({}, both)).toBe("400 invalid_request")
      })
    })
  )

  it.effect("a second method of the same name stops the start", () =>
    Effect.gen(function* () {
      const registry = yield* Layer.build(AuthMethods.layerEmpty)
      yield* Effect.provide(Layer.build(own), registry)
      const cause = yield* Effect.flip(Effect.sandbox(Effect.provide(Layer.build(Layer.fresh(own)), registry)))
      expect(Cause.squash(cause)).toBeInstanceOf(AuthMethods.DuplicateAuthMethod)
      expect(Cause.pretty(cause)).toContain("tls_client_auth")
    }).pipe(Effect.scoped)
  )
})
