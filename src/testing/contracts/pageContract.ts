/** The promises of the paged lists of accounts and clients. */
import { expect } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { describe } from "vitest"
import { Subject } from "../../domain/Account.js"
import { ClientId } from "../../domain/Client.js"
import { AccountStore } from "../../services/stores/AccountStore.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import * as Lists from "../../services/stores/Lists.js"
import { account, at, client } from "./fixtures.js"
import { fresh, type StoreTest } from "./Nodes.js"

/** Names in the order of the list: by time, then by id. Two have the same time. */
const inOrder = [
  ["d", -1],
  ["b", 0],
  ["e", 0],
  ["a", 1],
  ["c", 2]
] as const

const accountsInOrder = inOrder.map(([id, millis]) => account(Subject.make(id), { createdAt: at(millis) }))
const clientsInOrder = inOrder.map(([id, millis]) => client(ClientId.make(id), { issuedAt: at(millis) }))

export const pageContract = (it: StoreTest) =>
  describe("a list of accounts or clients", () => {
    it.effect("a page of accounts has at most `limit` accounts after a position, in order", () =>
      Effect.gen(function* () {
        const { accounts, nodes } = yield* fresh
        yield* Effect.forEach([...accountsInOrder].reverse(), accounts.insert)
        for (const { accounts } of nodes) {
          expect(yield* accounts.list({ limit: 0 })).toEqual([])
          expect(yield* accounts.list({ limit: 9 })).toEqual(accountsInOrder)
          for (const [i, after] of accountsInOrder.entries()) {
            expect(yield* accounts.list({ after, limit: 2 })).toEqual(accountsInOrder.slice(i + 1, i + 3))
          }
        }
      })
    )

    it.effect("a page of clients has at most `limit` clients after a position, in order", () =>
      Effect.gen(function* () {
        const { clients, nodes } = yield* fresh
        yield* Effect.forEach([...clientsInOrder].reverse(), clients.insert)
        for (const { clients } of nodes) {
          expect(yield* clients.list({ limit: 0 })).toEqual([])
          expect(yield* clients.list({ limit: 9 })).toEqual(clientsInOrder)
          for (const [i, after] of clientsInOrder.entries()) {
            expect(yield* clients.list({ after, limit: 2 })).toEqual(clientsInOrder.slice(i + 1, i + 3))
          }
        }
      })
    )

    it.effect("a page begins after a row that was deleted meanwhile", () =>
      Effect.gen(function* () {
        const { accounts, clients } = yield* fresh
        yield* Effect.forEach(accountsInOrder, accounts.insert)
        yield* Effect.forEach(clientsInOrder, clients.insert)
        yield* accounts.remove(Subject.make("e"))
        yield* clients.remove(ClientId.make("e"))
        expect(yield* accounts.list({ after: accountsInOrder[2], limit: 1 })).toEqual([accountsInOrder[3]])
        expect(yield* clients.list({ after: clientsInOrder[2], limit: 1 })).toEqual([clientsInOrder[3]])
      })
    )

    it.effect("a stream has all rows of all pages", () =>
      Effect.gen(function* () {
        const { accounts, clients } = yield* fresh
        const ids = Array.from({ length: 501 }, (_, i) => `id-${String(i).padStart(3, "0")}`)
        yield* Effect.forEach(ids, (id) => accounts.insert(account(Subject.make(id))), { concurrency: 50 })
        yield* Effect.forEach(ids, (id) => clients.insert(client(ClientId.make(id))), { concurrency: 50 })
        const listed = Effect.zip(Stream.runCollect(Lists.accounts), Stream.runCollect(Lists.clients)).pipe(
          Effect.provideService(AccountStore, accounts),
          Effect.provideService(ClientStore, clients)
        )
        for (const rows of yield* listed) {
          const found = Chunk.toReadonlyArray(rows as Chunk.Chunk<{ readonly id: string }>)
          expect(found.map(({ id }) => id)).toEqual(ids)
        }
      })
    )
  })
