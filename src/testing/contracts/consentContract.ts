/** The promises of every `ConsentStore`. */
import { expect } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { ClientId } from "../../domain/Client.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { Pair } from "../../services/stores/ConsentStore.js"
import {
  alice,
  app,
  at,
  bob,
  callback,
  client,
  consent,
  emptyFilters,
  notes,
  ofNotes,
  otherApp,
  otherCallback
} from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

const files = ResourceIndicator.make("https://files.example.com/with%20spaces")

/** Waits for the next turn of the event loop, in which a storage may write. */
const nextTurn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

export const consentContract = (it: StoreTest) => {
  describe("consents", () => {
    it.effect("find returns a consent as record returned it, on every node", () =>
      Effect.gen(function* () {
        const { consents, nodes } = yield* fresh
        expect(yield* consents.find(alice, app)).toEqual(Option.none())
        const answer = yield* consents.record(consent())
        expect(answer).toEqual({ ...consent(), epoch: answer.epoch })
        for (const node of nodes) expect(yield* node.consents.find(alice, app)).toEqual(Option.some(answer))
        expect(yield* consents.find(bob, app)).toEqual(Option.none())
        expect(yield* consents.find(alice, otherApp)).toEqual(Option.none())
      })
    )

    it.effect("records add up and do not change the epoch", () =>
      Effect.gen(function* () {
        const { consents } = yield* fresh
        const { epoch } = yield* consents.record(consent())
        const more = {
          granted: ResourceScopes.make([files, Scope.make("shared")], [notes, Scope.make("notes:write")]),
          redirectUris: new Set([otherCallback])
        }
        const expected = {
          ...consent(),
          granted: ResourceScopes.make([notes, Scope.make("notes:read", "notes:write")], [files, Scope.make("shared")]),
          redirectUris: new Set([callback, otherCallback]),
          updatedAt: at(5),
          epoch
        }
        expect(yield* consents.record(consent({ ...more, updatedAt: at(5) }))).toEqual(expected)
        expect(yield* consents.find(alice, app)).toEqual(Option.some(expected))
      })
    )

    it.effect("a scope is stored at the resource where it was allowed, and at no other", () =>
      Effect.gen(function* () {
        const { consents } = yield* fresh
        const atOne = ResourceScopes.make([notes, Scope.make("shared")], [files, Scope.empty])
        yield* consents.record(consent({ granted: atOne }))
        expect(yield* consents.find(alice, app)).toMatchObject({ value: { granted: atOne } })
        const { granted } = yield* consents.record(
          consent({ granted: ResourceScopes.make([files, Scope.make("more")]) })
        )
        expect(granted).toEqual(ResourceScopes.make([notes, Scope.make("shared")], [files, Scope.make("more")]))
      })
    )

    it.effect("a record stores the later of two times, even if it adds nothing", () =>
      Effect.gen(function* () {
        const { consents } = yield* fresh
        yield* consents.record(consent({ updatedAt: at(5) }))
        const nothing = { granted: ResourceScopes.empty, redirectUris: new Set<never>() }
        const answer = yield* consents.record(consent({ ...nothing, updatedAt: at(4) }))
        expect(answer).toMatchObject({ granted: ofNotes("notes:read"), updatedAt: at(5) })
      })
    )

    it.effect("a withdrawn consent allows nothing and has a higher epoch", () =>
      Effect.gen(function* () {
        const { consents } = yield* fresh
        const { epoch } = yield* consents.record(consent())
        yield* consents.record(consent({ subject: bob }))
        yield* consents.withdraw(alice, app)
        const nothing = { granted: ResourceScopes.empty, redirectUris: new Set() }
        expect(yield* consents.find(alice, app)).toMatchObject({ value: { ...nothing, epoch: epoch + 1 } })
        expect(yield* consents.find(bob, app)).toMatchObject({ value: { ...consent({ subject: bob }), epoch } })
      })
    )

    it.effect(
      "withdrawAll withdraws the consents of a filter page by page, and new consents have the higher epoch",
      () =>
        Effect.gen(function* () {
          for (const whose of [{ subject: alice }, { clientId: app }, { everybody: true }] as const) {
            const { consents } = yield* fresh
            const pairs = [{}, { clientId: otherApp }, { subject: bob }, { subject: bob, clientId: otherApp }]
            yield* Effect.forEach(pairs, (pair) => consents.record(consent(pair)))
            const seen: Array<Pair> = []
            let page = yield* consents.withdrawAll(whose, 1, undefined)
            while (Option.isSome(page.next)) {
              expect(page.count).toBe(1)
              seen.push(page.next.value)
              page = yield* consents.withdrawAll(whose, 1, page.next.value)
            }
            expect(page.count).toBe(0)
            const nothing = { granted: ResourceScopes.empty, redirectUris: new Set() }
            for (const pair of pairs) {
              const { clientId, subject } = consent(pair)
              const isMeant =
                "subject" in whose
                  ? subject === whose.subject
                  : "clientId" in whose
                    ? clientId === whose.clientId
                    : true
              expect(seen.filter((one) => one.subject === subject && one.clientId === clientId)).toHaveLength(
                isMeant ? 1 : 0
              )
              expect(yield* consents.find(subject, clientId)).toMatchObject({
                value: isMeant ? { ...nothing, epoch: 2 } : { ...consent(pair), epoch: 1 }
              })
            }
            const again = { ...consent({ granted: ofNotes("new") }), epoch: 2 }
            expect(yield* consents.record(consent({ granted: ofNotes("new") }))).toEqual(again)
          }
        })
    )

    it.effect("withdrawAll dies and withdraws nothing if the filter is empty", () =>
      Effect.gen(function* () {
        const { consents } = yield* fresh
        const recorded = yield* consents.record(consent())
        for (const whose of emptyFilters) {
          const answer = consents.withdrawAll(whose, 9)
          expect(yield* Effect.catchAllDefect(answer, () => Effect.succeed("died"))).toBe("died")
        }
        expect(yield* consents.find(alice, app)).toEqual(Option.some(recorded))
      })
    )

    it.effect("a consent after a withdrawal begins empty and keeps the higher epoch", () =>
      Effect.gen(function* () {
        const { consents } = yield* fresh
        const { epoch } = yield* consents.record(consent({ granted: ofNotes("old") }))
        yield* consents.withdraw(alice, app)
        const again = yield* consents.record(consent({ granted: ofNotes("new") }))
        expect(again).toEqual({ ...consent({ granted: ofNotes("new") }), epoch: epoch + 1 })
        expect(yield* consents.find(alice, app)).toEqual(Option.some(again))
      })
    )

    it.effect(
      "a consent that is withdrawn while it is recorded has its items under the epoch of the answer, or none",
      () =>
        Effect.gen(function* () {
          const { consents, nodes } = yield* fresh
          const [recording, withdrawing] = [nodes[0], nodes.at(-1) ?? nodes[0]]
          for (let turns = 0; turns < 8; turns++) {
            const clientId = ClientId.make(`client-${turns}`)
            const later = Effect.forEach(Array.from({ length: turns }), () => nextTurn)
            const [answer] = yield* Effect.all(
              [
                recording.consents.record(consent({ clientId })),
                Effect.zipRight(later, withdrawing.consents.withdraw(alice, clientId))
              ],
              { concurrency: "unbounded" }
            )
            const kept = Option.getOrThrow(yield* consents.find(alice, clientId))
            expect(kept.granted).toEqual(answer.epoch === kept.epoch ? consent().granted : new Map())
          }
        })
    )

    it.effect("withdraw returns false if there is no consent", () =>
      Effect.gen(function* () {
        const { consents } = yield* fresh
        expect(yield* consents.withdraw(alice, app)).toBe(false)
        expect(yield* consents.find(alice, app)).toEqual(Option.none())
      })
    )

    it.effect("list returns the consents of a subject that allow something to an existing client", () =>
      Effect.gen(function* () {
        const { clients, consents, nodes } = yield* fresh
        const clientIds = ["app", "other-app", "withdrawn", "begun-again", "of-nothing"].map((id) => ClientId.make(id))
        yield* Effect.forEach(clientIds, (id) => clients.insert(client(id)))
        const [, , withdrawn = app, begunAnew = app, ofNothing = app] = clientIds
        const nothing = { granted: ResourceScopes.empty, redirectUris: new Set<never>() }
        yield* consents.record(
          consent({ granted: ResourceScopes.make([notes, Scope.make("a", "b")], [files, Scope.empty]) })
        )
        yield* consents.record(consent({ ...nothing, clientId: otherApp, redirectUris: new Set([callback]) }))
        yield* consents.record(consent({ clientId: withdrawn }))
        yield* consents.withdraw(alice, withdrawn)
        yield* consents.record(consent({ clientId: begunAnew }))
        yield* consents.withdraw(alice, begunAnew)
        yield* consents.record(consent({ clientId: begunAnew, granted: ofNotes("new"), updatedAt: at(7) }))
        yield* consents.record(consent({ ...nothing, clientId: ofNothing }))
        yield* consents.record(consent({ clientId: ClientId.make("gone") }))
        yield* consents.record(consent({ subject: bob }))
        const expected = yield* Effect.forEach([app, begunAnew, otherApp], (id) =>
          Effect.map(consents.find(alice, id), Option.getOrThrow)
        )
        for (const node of nodes) {
          const listed = yield* node.consents.list(alice)
          expect([...listed].sort((a, b) => (a.clientId < b.clientId ? -1 : 1))).toEqual(expected)
        }
        yield* clients.remove(app)
        expect((yield* consents.list(alice)).map(({ clientId }) => clientId).sort()).toEqual([begunAnew, otherApp])
        expect(yield* (yield* fresh).consents.list(alice)).toEqual([])
      })
    )

    it.effect("prune deletes the consents to deleted clients page by page, and no others", () =>
      Effect.gen(function* () {
        const { clients, consents, nodes } = yield* fresh
        const elsewhere = yield* fresh
        yield* elsewhere.consents.record(consent())
        yield* clients.insert(client(app))
        yield* clients.insert(client(otherApp, { state: "Disabled" }))
        for (const subject of [alice, bob]) {
          for (const clientId of [app, otherApp]) yield* consents.record(consent({ subject, clientId }))
        }
        yield* consents.withdraw(bob, app)
        const none = { count: 0, next: Option.none() }
        expect(yield* consents.prune(10)).toEqual(none)
        yield* clients.remove(app)
        const ofAlice = { subject: alice, clientId: app }
        expect(yield* consents.prune(1)).toEqual({ count: 1, next: Option.some(ofAlice) })
        const stays = { subject: alice, clientId: otherApp }
        expect(yield* consents.prune(1, ofAlice)).toEqual({ count: 0, next: Option.some(stays) })
        expect(yield* consents.prune(10, stays)).toEqual({ ...none, count: 1 })
        expect(yield* consents.prune(10)).toEqual(none)
        for (const { consents } of nodes) {
          for (const subject of [alice, bob]) {
            expect(yield* consents.find(subject, app)).toEqual(Option.none())
            expect(yield* consents.find(subject, otherApp)).toMatchObject({ value: { granted: consent().granted } })
          }
        }
        // A new row gets no items of the deleted one.
        const nothing = { granted: ResourceScopes.empty, redirectUris: new Set<never>() }
        expect(yield* consents.record(consent(nothing))).toMatchObject(nothing)
        expect(Option.isSome(yield* elsewhere.consents.find(alice, app))).toBe(true)
      })
    )

    it.effect("a consent store sees nothing of another issuer", () =>
      Effect.gen(function* () {
        const { consents } = yield* fresh
        const recorded = yield* consents.record(consent())
        const elsewhere = yield* fresh
        expect(yield* elsewhere.consents.find(alice, app)).toEqual(Option.none())
        const other = yield* elsewhere.consents.record(consent({ granted: ofNotes("other") }))
        expect(other.granted).toEqual(ofNotes("other"))
        yield* elsewhere.consents.withdraw(alice, app)
        yield* elsewhere.consents.withdrawAll({ subject: alice }, 9)
        yield* elsewhere.consents.withdrawAll({ clientId: app }, 9)
        yield* elsewhere.consents.withdrawAll({ everybody: true }, 9)
        expect(yield* consents.find(alice, app)).toEqual(Option.some(recorded))
      })
    )
  })

  describe.each(crowds)("of %i callers", (count) => {
    it.effect("the records of all callers are stored", () =>
      Effect.gen(function* () {
        const { consents, nodes } = yield* fresh
        const scopes = Arr.makeBy(count, (i) => `scope:${i}`)
        const answers = yield* race(nodes, count, ({ consents }, i) =>
          consents.record(consent({ granted: ofNotes(`scope:${i}`) }))
        )
        for (const [i, { granted }] of answers.entries())
          expect(ResourceScopes.at(granted, notes).has(`scope:${i}`)).toBe(true)
        expect(yield* consents.find(alice, app)).toMatchObject({ value: { granted: ofNotes(...scopes) } })
        expect(new Set(answers.map(({ epoch }) => epoch)).size).toBe(1)
      })
    )

    it.effect("one of many callers withdraws a consent, and again after each new consent", () =>
      Effect.gen(function* () {
        const { consents, nodes } = yield* fresh
        for (let i = 0; i < 2; i++) {
          yield* consents.record(consent())
          const answers = yield* race(nodes, count, ({ consents }) => consents.withdraw(alice, app))
          expect(answers.filter((isNew) => isNew)).toHaveLength(1)
          expect(yield* consents.withdraw(alice, app)).toBe(false)
        }
        expect(yield* consents.find(alice, app)).toMatchObject({ value: { epoch: 3 + 2 * count } })
      })
    )

    it.effect("a withdrawal among many records ends everything that was recorded under the old epoch", () =>
      Effect.gen(function* () {
        const { consents, nodes } = yield* fresh
        const before = yield* consents.record(consent())
        const answers = yield* race(nodes, count, ({ consents }, i) =>
          i === count >> 1
            ? Effect.as(consents.withdraw(alice, app), 0)
            : Effect.map(consents.record(consent({ granted: ofNotes(`scope:${i}`) })), ({ epoch }) => epoch)
        )
        const after = Option.getOrThrow(yield* consents.find(alice, app))
        expect(after.epoch).toBe(before.epoch + 1)
        for (const [i, epoch] of answers.entries()) {
          expect(ResourceScopes.at(after.granted, notes).has(`scope:${i}`)).toBe(epoch === after.epoch)
        }
      })
    )
  })
}
