/** What every `ClientStore` promises. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import type { Client } from "../../src/domain/Client.js"
import { ClientId } from "../../src/domain/Client.js"
import * as Scope from "../../src/domain/Scope.js"
import { app, at, callback, client, digest, otherApp } from "./fixtures.js"
import { fresh, type StoreTest } from "./Nodes.js"

const everything: Partial<Client> = {
  origin: "Operator",
  metadata: {
    redirect_uris: [callback],
    token_endpoint_auth_method: "client_secret_basic",
    grant_types: ["authorization_code"],
    response_types: ["code"],
    client_name: "Ünïcode ✓ \"quoted\" 'n' \\",
    client_uri: "https://app.example.com",
    logo_uri: "https://app.example.com/logo.png",
    tos_uri: "https://app.example.com/tos",
    policy_uri: "https://app.example.com/policy",
    contacts: ["a@example.com", "b@example.com"],
    scope: new Set(Array.from({ length: 100 }, (_, i) => `scope:${i}`)),
    software_id: "4NRB1-0XZABZI9E6-5SM3R",
    software_version: "2.1",
    application_type: "native"
  },
  secret: Option.some({ digest: digest("secret"), expiresAt: Option.some(at(1000)) }),
  epoch: 7
}

export const clientContract = (it: StoreTest) =>
  describe("clients", () => {
    it.effect.each([
      ["of which little is known", client(app)],
      ["of which everything is known", client(app, everything)],
      [
        "whose secret does not expire",
        client(app, { secret: Option.some({ digest: digest("s"), expiresAt: Option.none() }) })
      ],
      ["of no scope", client(app, { metadata: { ...client(app).metadata, scope: Scope.empty } })]
    ] as const)("find a client %s as it was inserted, on every node", ([, given]) =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* clients.insert(given)
        for (const node of nodes) expect(yield* node.clients.find(given.id)).toEqual(Option.some(given))
      })
    )

    it.effect("find nothing of an unknown id, and mind its case", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app))
        expect(yield* clients.find(otherApp)).toEqual(Option.none())
        expect(yield* clients.find(ClientId.make("APP"))).toEqual(Option.none())
        expect(yield* clients.find(ClientId.make("app%"))).toEqual(Option.none())
      })
    )

    it.effect("never put a client in the place of another", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app))
        const error = yield* Effect.flip(clients.insert(client(app, everything)))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* clients.find(app)).toEqual(Option.some(client(app)))
      })
    )

    it.effect("list the oldest first", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        expect(yield* clients.list).toEqual([])
        const given = [client(app, { issuedAt: at(2) }), client(otherApp, { issuedAt: at(1) })]
        yield* Effect.forEach(given, clients.insert)
        expect(yield* clients.list).toEqual([...given].reverse())
      })
    )

    it.effect("raise the epoch by one, of that client", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* Effect.forEach([client(app), client(otherApp)], clients.insert)
        yield* clients.advanceEpoch(app)
        expect(yield* clients.find(app)).toEqual(Option.some(client(app, { epoch: 2 })))
        expect(yield* clients.find(otherApp)).toEqual(Option.some(client(otherApp)))
        yield* clients.advanceEpoch(ClientId.make("nobody"))
        expect(yield* clients.list).toHaveLength(2)
      })
    )

    it.effect("see nothing of another issuer", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app))
        const elsewhere = yield* fresh
        expect(yield* elsewhere.clients.find(app)).toEqual(Option.none())
        expect(yield* elsewhere.clients.list).toEqual([])
        yield* elsewhere.clients.insert(client(app, everything))
        yield* elsewhere.clients.advanceEpoch(app)
        expect(yield* clients.find(app)).toEqual(Option.some(client(app)))
      })
    )
  })
