/** The promises of every `ClientStore` about clients that registered themselves. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import type { Client } from "../../domain/Client.js"
import { clientId, everything } from "./clientContract.js"
import { alice, app, at, client, consent, day, grant, grantId, otherApp, second } from "./fixtures.js"
import { crowds, fresh, race, type Stores, type StoreTest } from "./Nodes.js"

/** A client that was registered and last used at an instant. */
const used = (n: number, changes: Partial<Client> = {}) =>
  client(clientId(n), { usedAt: Option.some(at(n)), issuedAt: at(n), ...changes })

/** The ids of the clients that are stored. */
const idsOf = (clients: Stores["clients"]) =>
  Effect.map(clients.list({ limit: 1_000 }), (list) => list.map(({ id }) => id))

export const dynamicClientContract = (it: StoreTest) => {
  describe("clients that registered themselves", () => {
    it.effect("insertDynamic stores clients up to the maximum, then each replaces the oldest one", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        const operators = client(app, { origin: "Operator", issuedAt: at(-3) })
        const disabled = client(clientId(1), { state: "Disabled", epoch: 2, issuedAt: at(-1) })
        yield* Effect.forEach([operators, disabled], clients.insert)
        const full = client(clientId(2), { ...everything, origin: "Dynamic", usedAt: Option.none(), issuedAt: at(2) })
        expect(yield* clients.insertDynamic(full, 2)).toBe(2)
        for (const node of nodes) expect(yield* node.clients.find(full.id)).toEqual(Option.some(full))
        const third = client(clientId(3), { issuedAt: at(3) })
        expect(yield* clients.insertDynamic(third, 2)).toBe(2)
        expect(yield* clients.list({ limit: 1_000 })).toEqual([operators, full, third])
        const fourth = client(clientId(4), { ...everything, origin: "Dynamic", usedAt: Option.none(), issuedAt: at(4) })
        expect(yield* clients.insertDynamic(fourth, 2)).toBe(2)
        for (const node of nodes) expect(yield* node.clients.list({ limit: 1_000 })).toEqual([operators, third, fourth])
      })
    )

    it.effect("insertDynamic keeps the number of clients if the maximum is smaller than it", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        for (const n of [1, 2, 3]) yield* clients.insertDynamic(client(clientId(n), { issuedAt: at(n) }), 3)
        expect(yield* clients.insertDynamic(client(clientId(4), { issuedAt: at(4) }), 1)).toBe(3)
        expect((yield* clients.list({ limit: 1_000 })).map(({ id }) => id)).toEqual([2, 3, 4].map(clientId))
      })
    )

    it.effect("insertDynamic stores nothing if the maximum is 0", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app))
        expect(yield* clients.insertDynamic(client(otherApp), 0)).toBe(0)
        expect(yield* clients.list({ limit: 1_000 })).toEqual([client(app)])
      })
    )

    it.effect.each([
      ["used", ({ clients }: Stores) => clients.markUsed(clientId(1), at(1))],
      ["removed", ({ clients }: Stores) => Effect.asVoid(clients.remove(clientId(1)))],
      ["forgotten", ({ clients }: Stores) => Effect.asVoid(clients.removeUnused(at(1), 1))]
    ] as const)("insertDynamic replaces no client after one is %s", ([, makeRoom]) =>
      Effect.gen(function* () {
        const stores = yield* fresh
        yield* stores.clients.insertDynamic(client(clientId(1)), 2)
        expect(yield* stores.clients.insertDynamic(client(clientId(2), { issuedAt: at(2) }), 2)).toBe(2)
        yield* makeRoom(stores)
        expect(yield* stores.clients.insertDynamic(client(clientId(3), { issuedAt: at(3) }), 2)).toBe(2)
        const unused = (yield* stores.clients.list({ limit: 1_000 })).filter(({ usedAt }) => Option.isNone(usedAt))
        expect(unused.map(({ id }) => id)).toEqual([2, 3].map(clientId))
      })
    )

    it.effect("insertDynamic never replaces a client with the same id", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        yield* clients.insert(client(app))
        yield* clients.insert(client(otherApp, { issuedAt: at(-1) }))
        for (const atMost of [10, 2]) {
          const error = yield* Effect.flip(clients.insertDynamic(client(app, everything), atMost))
          expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
          expect(yield* clients.list({ limit: 1_000 })).toEqual([client(otherApp, { issuedAt: at(-1) }), client(app)])
        }
      })
    )

    it.effect(
      "removeUnused deletes at most `limit` clients that were never used, the oldest first, and no others",
      () =>
        Effect.gen(function* () {
          const { clients } = yield* fresh
          const given = [
            client(clientId(0), { issuedAt: at(0), origin: "Operator" }),
            client(clientId(1), { issuedAt: at(1), usedAt: Option.some(at(1)) }),
            client(clientId(2), { issuedAt: at(2) }),
            client(clientId(3), { issuedAt: at(3), state: "Disabled" }),
            client(clientId(4), { issuedAt: at(4) }),
            client(clientId(5), { issuedAt: at(5) })
          ]
          yield* Effect.forEach([...given].reverse(), clients.insert)
          const left = idsOf(clients)
          expect(yield* clients.removeUnused(at(2), 10)).toBe(0)
          expect(yield* clients.removeUnused(at(5), 2)).toBe(2)
          expect(yield* left).toEqual([0, 1, 4, 5].map(clientId))
          expect(yield* clients.removeUnused(at(5), 2)).toBe(1)
          expect(yield* left).toEqual([0, 1, 5].map(clientId))
          expect(yield* clients.removeUnused(at(5), 2)).toBe(0)
        })
    )

    it.effect(
      "removeAbandoned deletes clients without a grant that were used long ago, the longest unused first, and no others",
      () =>
        Effect.gen(function* () {
          const { clients, grants } = yield* fresh
          const given = [
            used(0, { origin: "Operator" }),
            used(1),
            used(2, { usedAt: Option.none() }),
            used(3),
            used(4, { state: "Disabled" }),
            used(5),
            used(6),
            used(7)
          ]
          yield* Effect.forEach([...given].reverse(), clients.insert)
          yield* grants.approve(grant({ id: grantId(1), clientId: clientId(1) }))
          yield* grants.approve(grant({ id: grantId(5), clientId: clientId(5) }))
          yield* grants.revoke(grantId(5), "Denied", at(second))
          const left = idsOf(clients)
          expect(yield* clients.removeAbandoned(at(3), 10)).toBe(0)
          expect(yield* clients.removeAbandoned(at(7), 2)).toBe(2)
          expect(yield* left).toEqual([0, 1, 2, 5, 6, 7].map(clientId))
          expect(yield* clients.removeAbandoned(at(7), 2)).toBe(1)
          expect(yield* left).toEqual([0, 1, 2, 5, 7].map(clientId))
          expect(yield* clients.removeAbandoned(at(7), 2)).toBe(0)
          yield* grants.prune(at(day), 10)
          expect(yield* clients.removeAbandoned(at(7), 10)).toBe(2)
          expect(yield* left).toEqual([0, 2, 7].map(clientId))
        })
    )

    it.effect("removeAbandoned keeps a client of a metadata document that the operator approved or disabled", () =>
      Effect.gen(function* () {
        const { clients } = yield* fresh
        const approval = Option.some({ at: at(1), resources: new Set<never>() })
        const given = [
          used(1, { origin: "Document" }),
          used(2, { origin: "Document", approval }),
          used(3, { origin: "Document", state: "Disabled" })
        ]
        yield* Effect.forEach(given, clients.insert)
        expect(yield* clients.removeAbandoned(at(10), 10)).toBe(1)
        expect(yield* idsOf(clients)).toEqual([2, 3].map(clientId))
      })
    )
  })

  describe("clients that registered themselves and are idle", () => {
    it.effect("countIdle and removeIdle select clients without a grant and a consent, and no others", () =>
      Effect.gen(function* () {
        const { clients, consents, grants, nodes } = yield* fresh
        const given = [
          used(0, { origin: "Operator" }),
          used(1),
          used(2, { usedAt: Option.none() }),
          used(3),
          used(4),
          used(5, { state: "Disabled" }),
          used(6),
          used(7)
        ]
        yield* Effect.forEach([...given].reverse(), clients.insert)
        yield* grants.approve(grant({ id: grantId(1), clientId: clientId(1) }))
        yield* grants.revoke(grantId(1), "Denied", at(second))
        yield* consents.record(consent({ clientId: clientId(3) }))
        yield* consents.record(consent({ clientId: clientId(4) }))
        yield* consents.withdraw(alice, clientId(4))
        const left = idsOf(clients)
        for (const node of nodes) {
          expect(yield* node.clients.countIdle(at(4))).toBe(0)
          expect(yield* node.clients.countIdle(at(7))).toBe(3)
        }
        expect(yield* clients.removeIdle(at(4), 10)).toBe(0)
        expect(yield* clients.removeIdle(at(7), 2)).toBe(2)
        expect(yield* left).toEqual([0, 1, 2, 3, 6, 7].map(clientId))
        expect(yield* clients.removeIdle(at(7), 2)).toBe(1)
        expect(yield* clients.removeIdle(at(7), 2)).toBe(0)
        yield* consents.withdrawAll({ clientId: clientId(3) }, 10)
        yield* grants.prune(at(day), 10)
        expect(yield* clients.countIdle(at(7))).toBe(2)
        expect(yield* clients.removeIdle(at(7), 10)).toBe(2)
        expect(yield* left).toEqual([0, 2, 7].map(clientId))
      })
    )

    it.effect("countUnused returns the number of clients that removeUnused would delete", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* clients.insert(client(clientId(0), { origin: "Operator", issuedAt: at(0) }))
        yield* clients.insert(client(clientId(1), { usedAt: Option.some(at(1)) }))
        for (const n of [2, 3, 4]) yield* clients.insert(client(clientId(n), { issuedAt: at(n) }))
        for (const { clients } of nodes) {
          for (const [before, count] of [
            [2, 0],
            [3, 1],
            [5, 3]
          ] as const) {
            expect(yield* clients.countUnused(at(before))).toBe(count)
          }
        }
        expect(yield* clients.removeUnused(at(4), 10)).toBe(2)
        expect(yield* clients.countUnused(at(5))).toBe(1)
      })
    )
  })

  describe.each(crowds)("of %i callers", (count) => {
    it.effect("if all callers register, there are never more clients than the maximum", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        const atMost = Math.ceil(count / 4)
        const seen = yield* race(nodes, count, ({ clients }, i) =>
          Effect.zip(
            clients.insertDynamic(client(clientId(i), { issuedAt: at(i) }), atMost),
            Effect.map(clients.list({ limit: 1_000 }), (list) => list.length)
          )
        )
        for (const [answer, kept] of seen) {
          expect(answer).toBeGreaterThanOrEqual(1)
          expect(Math.max(answer, kept)).toBeLessThanOrEqual(atMost)
        }
        expect(yield* clients.list({ limit: 1_000 })).toHaveLength(atMost)
      })
    )

    it.effect("a client that is used while others register stays", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        const half = count / 2
        for (let i = 0; i < half; i++) yield* clients.insert(client(clientId(i), { issuedAt: at(i) }))
        yield* race(nodes, count, ({ clients }, i) =>
          i % 2 === 0
            ? clients.markUsed(clientId(i / 2), at(1))
            : Effect.asVoid(clients.insertDynamic(client(clientId(count + i), { issuedAt: at(count + i) }), half))
        )
        const kept = yield* clients.list({ limit: 1_000 })
        const unused = kept.filter(({ usedAt }) => Option.isNone(usedAt))
        expect(unused.length).toBeLessThanOrEqual(half)
        // A client may be replaced before its use is stored, and never afterwards.
        for (const { id, usedAt } of kept) {
          if (Number(id.slice("client-".length)) < half) expect(usedAt).toEqual(Option.some(at(1)))
        }
        const before = kept.filter(({ usedAt }) => Option.isSome(usedAt))
        yield* race(nodes, count, ({ clients }, i) =>
          clients.insertDynamic(client(clientId(3 * count + i), { issuedAt: at(day) }), 1)
        )
        expect((yield* clients.list({ limit: 1_000 })).filter(({ usedAt }) => Option.isSome(usedAt))).toEqual(before)
      })
    )

    it.effect("a client that is used while others delete unused clients stays used", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* Effect.forEach(
          Array.from({ length: count }, (_, i) => client(clientId(i))),
          clients.insert
        )
        yield* race(nodes, count, ({ clients }, i) =>
          i % 2 === 0 ? clients.markUsed(clientId(i), at(1)) : Effect.asVoid(clients.removeUnused(at(1), count))
        )
        for (const { usedAt } of yield* clients.list({ limit: 1_000 })) expect(usedAt).toEqual(Option.some(at(1)))
      })
    )

    it.effect.each([
      ["abandoned", ({ clients }: Stores) => clients.removeAbandoned],
      ["idle", ({ clients }: Stores) => clients.removeIdle]
    ] as const)("a client that is used again while others delete %s clients stays", ([, verbOf]) =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        const [before, now] = [at(2 * day), at(3 * day)]
        for (let i = 0; i < count; i++) yield* clients.insert(client(clientId(i), { usedAt: Option.some(at(i)) }))
        const deleted = yield* race(nodes, count, (stores, i) =>
          i % 2 === 0 ? Effect.as(stores.clients.markUsed(clientId(i), now), 0) : verbOf(stores)(before, count)
        )
        const left = yield* clients.list({ limit: 1_000 })
        for (const { usedAt } of left) expect(usedAt).toEqual(Option.some(now))
        expect(left.length + deleted.reduce((sum, one) => sum + one)).toBe(count)
      })
    )
  })
}
