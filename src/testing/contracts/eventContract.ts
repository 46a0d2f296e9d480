/** The promises of every `EventLog`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import type { Actor, Event, EventKind } from "../../domain/Event.js"
import * as Identifier from "../../domain/Identifier.js"
import { SessionId } from "../../domain/Session.js"
import type { EventFilter } from "../../services/stores/EventLog.js"
import { alice, app, at, bob, day, grantId, otherApp } from "./fixtures.js"
import { fresh, race, type StoreTest } from "./Nodes.js"

const event = (n: number, kind: EventKind): Event => ({
  id: Identifier.format(at(n).epochMillis, new Uint8Array(10)),
  at: at(n),
  kind
})

const session = SessionId.make("session")

const login = (n: number) => event(n, { _tag: "LoggedIn", subject: alice, sessionId: session })

const grant = { grantId: grantId(1), subject: alice, clientId: app }

/** Each kind of actor, with and without its optional members. */
const actors: ReadonlyArray<Actor> = [
  { _tag: "Person", subject: alice, sessionId: session },
  { _tag: "Person", subject: alice, clientId: app },
  { _tag: "Client", clientId: app, isAuthenticated: false },
  { _tag: "Operator", name: "root ünïcode" },
  { _tag: "Program", clientId: otherApp },
  { _tag: "Server" },
  { _tag: "Anonymous" }
]

/** One event of each kind with different members. */
const story: ReadonlyArray<Event> = [
  event(0, { _tag: "ClientRegistered", clientId: app, origin: "Dynamic" }),
  event(1, { _tag: "LoginFailed" }),
  event(2, { _tag: "LoginFailed", subject: bob }),
  event(3, { _tag: "Allowed", ...grant, scope: "notes:read ünïcode ✓", by: "RememberedConsent" }),
  event(4, { _tag: "Refreshed", ...grant, generation: 2 }),
  event(5, { _tag: "TokenRevoked", clientId: app }),
  event(6, { _tag: "Denied", subject: bob, clientId: otherApp }),
  event(7, { _tag: "KeyRotated", keyId: "AAAAAAAA", change: "Promoted" }),
  event(8, { _tag: "Revoked", ...grant, grantId: grantId(2), reason: "SubjectRevoked" })
]

const numbersOf = (events: ReadonlyArray<Event>) => events.map((event) => event.at.epochMillis - at(0).epochMillis)

export const eventContract = (it: StoreTest) =>
  describe("events", () => {
    it.effect("read returns events as they were appended, the oldest first, on every node", () =>
      Effect.gen(function* () {
        const { events, nodes } = yield* fresh
        yield* events.append([])
        yield* events.append([...story].reverse())
        for (const node of nodes) expect(yield* node.events.read({ limit: 100 })).toEqual(story)
      })
    )

    it.effect("read returns events with their origin, and without one if they have none", () =>
      Effect.gen(function* () {
        const { events } = yield* fresh
        const told = actors.map((actor, n) => ({
          ...login(n),
          actor,
          ...(n % 2 === 0 ? { requestId: `request-${n}`, address: "2001:db8:1::/48" } : {})
        }))
        yield* events.append([...told, login(actors.length)])
        expect(yield* events.read({ limit: 100 })).toEqual([...told, login(actors.length)])
        expect(yield* events.read({ requestId: "request-2", limit: 100 })).toEqual([told[2]])
        expect(yield* events.read({ requestId: "request-2", subject: bob, limit: 100 })).toEqual([])
        expect(yield* events.read({ requestId: "request-1", limit: 100 })).toEqual([])
      })
    )

    const cases: ReadonlyArray<readonly [string, Omit<EventFilter, "limit">, ReadonlyArray<number>]> = [
      ["of a person", { subject: alice }, [3, 4, 8]],
      ["of a client", { clientId: app }, [0, 3, 4, 5, 8]],
      ["of a grant", { grantId: grantId(1) }, [3, 4]],
      ["of a pair", { subject: bob, clientId: otherApp }, [6]],
      ["of all three", { subject: alice, clientId: app, grantId: grantId(2) }, [8]],
      ["of a pair that never met", { subject: bob, clientId: app }, []],
      ["of everybody", {}, [0, 1, 2, 3, 4, 5, 6, 7, 8]]
    ]

    it.effect.each(cases)("read returns events %s, page by page", ([, which, expected]) =>
      Effect.gen(function* () {
        const { events } = yield* fresh
        yield* events.append(story)
        expect(numbersOf(yield* events.read({ ...which, limit: 100 }))).toEqual(expected)
        const first = yield* events.read({ ...which, limit: 2 })
        expect(numbersOf(first)).toEqual(expected.slice(0, 2))
        const last = first.at(-1)
        if (last !== undefined) {
          const rest = yield* events.read({ ...which, after: last.id, limit: 100 })
          expect(numbersOf(rest)).toEqual(expected.slice(2))
        }
      })
    )

    it.effect("events that are appended again are stored once, whatever their number", () =>
      Effect.gen(function* () {
        const { events } = yield* fresh
        const many = Array.from({ length: 1000 }, (_, n) => login(n))
        yield* events.append(many.slice(0, 99))
        yield* events.append(many)
        expect(yield* events.read({ limit: 2000 })).toEqual(many)
      })
    )

    it.effect("64 callers that append at once lose no event", () =>
      Effect.gen(function* () {
        const { events, nodes } = yield* fresh
        yield* race(nodes, 64, ({ events }, i) => events.append([login(2 * i), login(2 * i + 1)]))
        expect(numbersOf(yield* events.read({ limit: 200 }))).toEqual(Array.from({ length: 128 }, (_, n) => n))
      })
    )

    it.effect("prune deletes at most `limit` events before an instant, the oldest first", () =>
      Effect.gen(function* () {
        const { events } = yield* fresh
        yield* events.append(story)
        const left = Effect.map(events.read({ limit: 100 }), numbersOf)
        expect(yield* events.prune(at(0), 100)).toBe(0)
        expect(yield* events.prune(at(4), 2)).toBe(2)
        expect(yield* left).toEqual([2, 3, 4, 5, 6, 7, 8])
        expect(yield* events.prune(at(4), 100)).toBe(2)
        expect(yield* left).toEqual([4, 5, 6, 7, 8])
        expect(yield* events.prune(at(4), 100)).toBe(0)
      })
    )

    it.effect("an event log sees nothing of another issuer", () =>
      Effect.gen(function* () {
        const { events } = yield* fresh
        yield* events.append(story)
        const elsewhere = yield* fresh
        expect(yield* elsewhere.events.read({ limit: 100 })).toEqual([])
        expect(yield* elsewhere.events.read({ subject: alice, limit: 100 })).toEqual([])
        expect(yield* elsewhere.events.prune(at(day), 100)).toBe(0)
        yield* elsewhere.events.append([login(0)])
        expect(yield* events.read({ limit: 100 })).toEqual(story)
      })
    )
  })
