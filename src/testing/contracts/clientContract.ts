/** The promises of every `ClientStore`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import type { Client, ClientMetadata, StoredSecret } from "../../domain/Client.js"
import { ClientId } from "../../domain/Client.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import { app, at, callback, client, day, digest, newSecret, otherApp } from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

/** A client with a value for each member. */
export const everything: Partial<Client> = {
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
  state: "Disabled",
  usedAt: Option.some(at(2000)),
  epoch: 7,
  registrationDigest: Option.some(digest("registration"))
}

/** The client of a metadata document. */
const described = ClientId.make("https://app.example.com/client.json")

const approval = Option.some({
  at: at(3),
  resources: new Set([ResourceIndicator.make("https://notes.example.com/mcp")])
})

const metadataOf = (changes: Partial<Client>): ClientMetadata => client(app, changes).metadata

/** The metadata of a client with a value for each member, under another name. */
const renamed = (name: string): ClientMetadata => ({ ...metadataOf(everything), client_name: name })

export const clientId = (n: number) => ClientId.make(`client-${n}`)

export const clientContract = (it: StoreTest) => {
  describe("clients", () => {
    it.effect.each([
      ["with few members", client(app)],
      ["with all members", client(app, everything)],
      [
        "with a secret that does not expire",
        client(app, { secret: Option.some({ digest: digest("s"), expiresAt: Option.none() }) })
      ],
      ["with an empty scope", client(app, { metadata: { ...client(app).metadata, scope: Scope.empty } })]
    ] as const)("find returns a client %s as it was inserted, on every node", ([, given]) =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* clients.insert(given)
        for (const node of nodes) expect(yield* node.clients.find(given.id)).toEqual(Option.some(given))
      })
    )

    it.effect("find returns nothing for an unknown id, and ids are case-sensitive", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app))
        expect(yield* clients.find(otherApp)).toEqual(Option.none())
        expect(yield* clients.find(ClientId.make("APP"))).toEqual(Option.none())
        expect(yield* clients.find(ClientId.make("app%"))).toEqual(Option.none())
      })
    )

    it.effect("insert never replaces a client", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app))
        const error = yield* Effect.flip(clients.insert(client(app, everything)))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* clients.find(app)).toEqual(Option.some(client(app)))
      })
    )

    it.effect("list returns the oldest client first", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        expect(yield* clients.list({ limit: 1_000 })).toEqual([])
        const given = [client(app, { issuedAt: at(2) }), client(otherApp, { issuedAt: at(1) })]
        yield* Effect.forEach(given, clients.insert)
        expect(yield* clients.list({ limit: 1_000 })).toEqual([...given].reverse())
      })
    )

    it.effect("advanceEpoch raises the epoch of one client by one", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* Effect.forEach([client(app), client(otherApp)], clients.insert)
        yield* clients.advanceEpoch(app)
        expect(yield* clients.find(app)).toEqual(Option.some(client(app, { epoch: 2 })))
        expect(yield* clients.find(otherApp)).toEqual(Option.some(client(otherApp)))
        yield* clients.advanceEpoch(ClientId.make("unknown"))
        expect(yield* clients.list({ limit: 1_000 })).toHaveLength(2)
      })
    )

    it.effect("record stores a client of a metadata document, and later its new metadata alone", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        const first = client(described, { origin: "Document", epoch: 1_000 })
        expect(yield* clients.record(first)).toEqual(first)
        yield* clients.markUsed(described, at(1))
        yield* clients.setApproval(described, approval)
        yield* clients.setState(described, "Disabled")
        const later = client(described, {
          origin: "Document",
          issuedAt: at(5),
          epoch: 2_000,
          metadata: renamed("later")
        })
        const stored = {
          ...first,
          approval,
          usedAt: Option.some(at(1)),
          state: "Disabled",
          epoch: 1_001,
          metadata: renamed("later")
        }
        expect(yield* clients.record(later)).toEqual(stored)
        expect(yield* clients.record(later)).toEqual(stored)
        for (const node of nodes) expect(yield* node.clients.find(described)).toEqual(Option.some(stored))
      })
    )

    it.effect.each(crowds)("%s concurrent records of one client store one row", (count) =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        const stored = yield* race(nodes, count, ({ clients }, i) =>
          clients.record(client(described, { origin: "Document", epoch: 1_000 + i }))
        )
        expect(new Set(stored.map(({ epoch }) => epoch)).size).toBe(1)
        expect(yield* clients.list({ limit: 10 })).toHaveLength(1)
      })
    )

    it.effect("setApproval stores an approval, and removes it", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* clients.insert(client(app, { origin: "Dynamic" }))
        expect(yield* clients.setApproval(app, approval)).toBe(true)
        for (const node of nodes) {
          expect(yield* node.clients.find(app)).toEqual(Option.some(client(app, { origin: "Dynamic", approval })))
        }
        expect(yield* clients.setApproval(app, Option.none())).toBe(true)
        expect(yield* clients.find(app)).toEqual(Option.some(client(app, { origin: "Dynamic" })))
        expect(yield* clients.setApproval(otherApp, approval)).toBe(false)
      })
    )

    it.effect("a client store sees nothing of another issuer", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app))
        const elsewhere = yield* fresh
        expect(yield* elsewhere.clients.find(app)).toEqual(Option.none())
        expect(yield* elsewhere.clients.list({ limit: 1_000 })).toEqual([])
        yield* elsewhere.clients.insert(client(app, everything))
        yield* elsewhere.clients.advanceEpoch(app)
        yield* elsewhere.clients.markUsed(app, at(1))
        yield* elsewhere.clients.setState(app, "Disabled")
        yield* elsewhere.clients.setSecret(app, newSecret)
        yield* elsewhere.clients.setMetadata(app, { from: metadataOf(everything), to: renamed("elsewhere") })
        yield* elsewhere.clients.remove(app)
        expect(yield* elsewhere.clients.removeUnused(at(day), 10)).toBe(0)
        expect(yield* elsewhere.clients.removeAbandoned(at(day), 10)).toBe(0)
        expect(yield* elsewhere.clients.insertDynamic(client(otherApp), 1)).toBe(1)
        expect(yield* elsewhere.clients.insertDynamic(client(clientId(1)), 1)).toBe(1)
        expect(yield* clients.list({ limit: 1_000 })).toEqual([client(app)])
      })
    )

    it.effect("markUsed stores the time of the last use with a precision of one day", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* Effect.forEach([client(app), client(otherApp)], clients.insert)
        for (const [used, kept] of [
          [5, 5],
          [4, 5],
          [day + 4, 5],
          [day + 5, day + 5],
          [2 * day, day + 5],
          [5, day + 5]
        ] as const) {
          yield* clients.markUsed(app, at(used))
          expect(yield* clients.list({ limit: 1_000 })).toEqual([
            client(app, { usedAt: Option.some(at(kept)) }),
            client(otherApp)
          ])
        }
        yield* clients.markUsed(clientId(1), at(4))
        expect(yield* clients.list({ limit: 1_000 })).toHaveLength(2)
      })
    )

    it.effect("a client is disabled under a higher epoch, which it keeps when it is enabled again", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* Effect.forEach([client(app), client(otherApp)], clients.insert)
        expect(yield* clients.setState(app, "Enabled")).toBe(true)
        expect(yield* clients.find(app)).toEqual(Option.some(client(app)))
        expect(yield* clients.setState(app, "Disabled")).toBe(true)
        expect(yield* clients.find(app)).toEqual(Option.some(client(app, { state: "Disabled", epoch: 2 })))
        expect(yield* clients.setState(app, "Enabled")).toBe(true)
        expect(yield* clients.find(app)).toEqual(Option.some(client(app, { epoch: 2 })))
        expect(yield* clients.setState(clientId(1), "Disabled")).toBe(false)
        expect(yield* clients.find(otherApp)).toEqual(Option.some(client(otherApp)))
      })
    )

    it.effect("setSecret replaces the secret and raises the epoch", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* Effect.forEach([client(app, everything), client(otherApp)], clients.insert)
        expect(yield* clients.setSecret(app, newSecret)).toBe(true)
        const expected = client(app, { ...everything, secret: Option.some(newSecret), epoch: 8 })
        expect(yield* clients.find(app)).toEqual(Option.some(expected))
        const lasting = { ...newSecret, expiresAt: Option.none() }
        yield* clients.setSecret(app, lasting)
        expect(yield* clients.find(app)).toMatchObject({ value: { secret: Option.some(lasting), epoch: 9 } })
        expect(yield* clients.setSecret(clientId(1), newSecret)).toBe(false)
        expect(yield* clients.find(otherApp)).toEqual(Option.some(client(otherApp)))
      })
    )

    it.effect("setMetadata changes the metadata of one client and nothing else", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        const given = client(app, everything)
        yield* Effect.forEach([given, client(otherApp, everything)], clients.insert)
        const narrower = { ...renamed("Reporting"), scope: Scope.make("notes:read") }
        const { scope: _, ...withoutScope } = renamed("Reporting")
        for (const [from, to] of [
          [given.metadata, narrower],
          [narrower, withoutScope],
          [withoutScope, metadataOf({})]
        ] as const) {
          expect(yield* clients.setMetadata(app, { from, to })).toBe(true)
          const expected = Option.some(client(app, { ...everything, metadata: to }))
          for (const node of nodes) expect(yield* node.clients.find(app)).toEqual(expected)
        }
        expect(yield* clients.find(otherApp)).toEqual(Option.some(client(otherApp, everything)))
      })
    )

    it.effect("setMetadata changes nothing if the metadata are not those that the caller read", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        const given = client(app, everything)
        yield* clients.insert(given)
        for (const from of [metadataOf({}), renamed("another"), { ...given.metadata, scope: Scope.make("scope:0") }]) {
          expect(yield* clients.setMetadata(app, { from, to: renamed("new") })).toBe(false)
          const withSecret = { from, to: renamed("new"), secret: Option.some(newSecret) }
          expect(yield* clients.setMetadata(app, withSecret)).toBe(false)
        }
        expect(yield* clients.setMetadata(otherApp, { from: given.metadata, to: renamed("new") })).toBe(false)
        expect(yield* clients.list({ limit: 1_000 })).toEqual([given])
      })
    )

    it.effect("setMetadata raises the epoch if the client gets or loses a secret", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app, everything))
        const from = metadataOf(everything)
        const to = renamed("without a secret")
        expect(yield* clients.setMetadata(app, { from, to, secret: Option.none() })).toBe(true)
        const without = { ...everything, metadata: to, secret: Option.none(), epoch: 8 }
        expect(yield* clients.find(app)).toEqual(Option.some(client(app, without)))
        expect(yield* clients.setMetadata(app, { from: to, to: from, secret: Option.some(newSecret) })).toBe(true)
        const withSecret = { ...everything, secret: Option.some(newSecret), epoch: 9 }
        expect(yield* clients.find(app)).toEqual(Option.some(client(app, withSecret)))
      })
    )

    it.effect("remove deletes one client for ever", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* Effect.forEach([client(app), client(otherApp)], clients.insert)
        expect(yield* clients.remove(app)).toBe(true)
        expect(yield* clients.remove(app)).toBe(false)
        for (const node of nodes) expect(yield* node.clients.find(app)).toEqual(Option.none())
        expect(yield* clients.list({ limit: 1_000 })).toEqual([client(otherApp)])
      })
    )
  })
  describe.each(crowds)("of %i callers", (count) => {
    it.effect(
      "every caller that disables a client or sets its secret raises the epoch, and the stored secret is one of theirs",
      () =>
        Effect.gen(function* () {
          const { clients, nodes } = yield* fresh
          yield* clients.insert(client(app))
          const secret = (i: number): StoredSecret => ({ digest: digest(`secret-${i}`), expiresAt: Option.none() })
          yield* race(nodes, count, ({ clients }, i) =>
            i % 2 === 0 ? clients.setState(app, "Disabled") : clients.setSecret(app, secret(i))
          )
          const found = Option.getOrThrow(yield* clients.find(app))
          expect(found).toMatchObject({ state: "Disabled", epoch: 1 + count })
          const given = Array.from({ length: count / 2 }, (_, i) => secret(2 * i + 1).digest)
          expect(given).toContain(Option.getOrThrow(found.secret).digest)
        })
    )

    it.effect("one of many callers changes the metadata that all of them read", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* clients.insert(client(app, everything))
        const change = (i: number) => ({
          from: metadataOf(everything),
          to: renamed(`name ${i}`),
          ...(i % 2 === 0 ? {} : { secret: Option.some(newSecret) })
        })
        const answers = yield* race(nodes, count, ({ clients }, i) =>
          Effect.map(clients.setMetadata(app, change(i)), (isChanged) => ({ i, isChanged }))
        )
        const [winner, ...others] = answers.filter(({ isChanged }) => isChanged)
        expect(others).toEqual([])
        const i = winner?.i ?? -1
        const secret = i % 2 === 0 ? {} : { secret: Option.some(newSecret), epoch: 8 }
        const expected = client(app, { ...everything, metadata: renamed(`name ${i}`), ...secret })
        expect(yield* clients.find(app)).toEqual(Option.some(expected))
      })
    )

    it.effect("one of many callers deletes a client, and one stores its use", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* clients.insert(client(app))
        yield* race(nodes, count, ({ clients }, i) => clients.markUsed(app, at(i)))
        const { usedAt } = Option.getOrThrow(yield* clients.find(app))
        yield* clients.markUsed(app, at(-1))
        expect(yield* clients.find(app)).toMatchObject({ value: { usedAt } })
        const removed = yield* race(nodes, count, ({ clients }) => clients.remove(app))
        expect(removed.filter((answer) => answer)).toHaveLength(1)
      })
    )
  })
}
