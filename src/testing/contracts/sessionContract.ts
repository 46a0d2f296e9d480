/** The promises of every `SessionStore`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { Subject } from "../../domain/Account.js"
import { account, alice, at, bob, day, digest, newHash, session } from "./fixtures.js"
import { fresh, race, type Stores, type StoreTest } from "./Nodes.js"

/** An issuer with a user who is logged in. */
const loggedIn = Effect.gen(function* () {
  const stores = yield* fresh
  yield* stores.accounts.insert(account(alice))
  yield* stores.sessions.insert(session(1))
  return stores
})

export const sessionContract = (it: StoreTest) =>
  describe("sessions", () => {
    it.effect("find returns a session as it was inserted, by the digest of its secret, on every node", () =>
      Effect.gen(function* () {
        const { nodes } = yield* loggedIn
        for (const { sessions } of nodes) {
          expect(yield* sessions.find(digest("session-1"), at(0))).toEqual(Option.some(session(1)))
          expect(yield* sessions.find(digest("session-2"), at(0))).toEqual(Option.none())
        }
      })
    )

    it.effect.each([
      ["a browser and no network", { sealedNetwork: Option.none() }],
      ["a network and no browser", { browser: Option.none() }],
      ["neither a browser nor a network", { browser: Option.none(), sealedNetwork: Option.none() }]
    ] as const)("find and list return sessions with %s as they were inserted", ([, changes]) =>
      Effect.gen(function* () {
        const { nodes, sessions } = yield* loggedIn
        const inserted = session(2, { authenticatedAt: at(1), ...changes })
        yield* sessions.insert(inserted)
        for (const node of nodes) {
          expect(yield* node.sessions.find(inserted.digest, at(1))).toEqual(Option.some(inserted))
          expect(yield* node.sessions.list(alice, at(1))).toEqual([inserted, session(1)])
        }
      })
    )

    it.effect.each([
      [day - 1, true],
      [day, false],
      [day + 1, false]
    ] as const)("%i ms after the login find returns the session: %s", ([millis, expected]) =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        expect(Option.isSome(yield* sessions.find(digest("session-1"), at(millis)))).toBe(expected)
      })
    )

    it.effect("end ends one session for ever, and one caller sees true", () =>
      Effect.gen(function* () {
        const { nodes, sessions } = yield* loggedIn
        yield* sessions.insert(session(2))
        const ends = yield* race(nodes, 8, ({ sessions }) => sessions.end(session(1).id))
        expect(ends.filter((isNew) => isNew)).toHaveLength(1)
        expect(yield* sessions.end(session(1).id)).toBe(false)
        expect(yield* sessions.end(session(3).id)).toBe(false)
        expect(yield* sessions.find(digest("session-1"), at(0))).toEqual(Option.none())
        expect(yield* sessions.find(digest("session-2"), at(0))).toEqual(Option.some(session(2)))
      })
    )

    it.effect("a session is over after the epoch of the account was raised", () =>
      Effect.gen(function* () {
        const { accounts, sessions } = yield* loggedIn
        yield* accounts.advanceEpoch(alice)
        expect(yield* sessions.find(digest("session-1"), at(0))).toEqual(Option.none())
        yield* sessions.insert(session(2, { subjectEpoch: 2 }))
        expect(Option.isSome(yield* sessions.find(digest("session-2"), at(0)))).toBe(true)
      })
    )

    it.effect.each([
      ["disabled", ({ accounts }: Stores) => Effect.asVoid(accounts.setState(alice, "Disabled"))],
      ["given a new password", ({ accounts }: Stores) => Effect.asVoid(accounts.setPassword(alice, newHash))],
      ["removed", ({ accounts }: Stores) => Effect.asVoid(accounts.remove(alice))]
    ] as const)("a session stays over after the account was %s", ([, change]) =>
      Effect.gen(function* () {
        const stores = yield* loggedIn
        yield* change(stores)
        for (const { sessions } of stores.nodes) {
          expect(yield* sessions.find(session(1).digest, at(0))).toEqual(Option.none())
          expect(yield* sessions.list(alice, at(0))).toEqual([])
        }
        yield* stores.accounts.setState(alice, "Enabled")
        expect(yield* stores.sessions.find(session(1).digest, at(0))).toEqual(Option.none())
      })
    )

    it.effect("no session is valid while the account is disabled, whatever its epoch", () =>
      Effect.gen(function* () {
        const { accounts, sessions } = yield* loggedIn
        yield* accounts.setState(alice, "Disabled")
        yield* sessions.insert(session(2, { subjectEpoch: 2 }))
        expect(yield* sessions.find(session(2).digest, at(0))).toEqual(Option.none())
        expect(yield* sessions.list(alice, at(0))).toEqual([])
      })
    )

    it.effect("list returns the valid sessions of a subject, the newest first", () =>
      Effect.gen(function* () {
        const { accounts, nodes, sessions } = yield* loggedIn
        yield* accounts.insert(account(bob))
        const later = session(2, { authenticatedAt: at(5) })
        const others = [
          later,
          session(3, { authenticatedAt: at(3), expiresAt: at(10) }),
          session(4, { subjectEpoch: 2 }),
          session(5, { subject: bob }),
          session(6)
        ]
        yield* Effect.forEach(others, sessions.insert)
        yield* sessions.end(session(6).id)
        for (const node of nodes) expect(yield* node.sessions.list(alice, at(10))).toEqual([later, session(1)])
        expect((yield* sessions.list(alice, at(9))).map(({ id }) => id)).toEqual([2, 3, 1].map((n) => session(n).id))
        expect(yield* sessions.list(Subject.make("unknown"), at(0))).toEqual([])
        expect(yield* (yield* fresh).sessions.list(alice, at(0))).toEqual([])
      })
    )

    it.effect("prune deletes at most `limit` expired sessions, the first to expire first", () =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        for (const n of [2, 3, 4]) yield* sessions.insert(session(n, { expiresAt: at(n) }))
        // At an instant before any of them expires, so that a session that is not found is deleted.
        const left = Effect.map(sessions.list(alice, at(0)), (list) => list.map(({ id }) => id).sort())
        expect(yield* sessions.prune(at(2), 10)).toBe(0)
        expect(yield* sessions.prune(at(4), 1)).toBe(1)
        expect(yield* left).toEqual([1, 3, 4].map((n) => session(n).id))
        expect(yield* sessions.prune(at(4), 10)).toBe(1)
        expect(yield* left).toEqual([1, 4].map((n) => session(n).id))
        expect(yield* (yield* fresh).sessions.prune(at(2 * day), 10)).toBe(0)
        expect(yield* sessions.prune(at(4), 10)).toBe(0)
      })
    )

    it.effect("a session is over after the account was deleted", () =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        yield* sessions.insert(session(2, { subject: bob }))
        expect(yield* sessions.find(digest("session-2"), at(0))).toEqual(Option.none())
      })
    )

    it.effect("a session of a subject without an account is valid under epoch 0", () =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        const external = session(2, { subject: bob, subjectEpoch: 0 })
        yield* sessions.insert(external)
        expect(yield* sessions.find(external.digest, at(0))).toEqual(Option.some(external))
      })
    )

    it.effect.each([
      ["id", session(1, { digest: digest("other"), subject: bob })],
      ["secret", session(2, { digest: digest("session-1"), subject: bob })]
    ] as const)("insert never replaces a session with the same %s", ([, intruder]) =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        const error = yield* Effect.flip(sessions.insert(intruder))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* sessions.find(digest("session-1"), at(0))).toEqual(Option.some(session(1)))
      })
    )

    it.effect("a session store sees nothing of another issuer", () =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        const elsewhere = yield* fresh
        yield* elsewhere.accounts.insert(account(alice))
        expect(yield* elsewhere.sessions.find(digest("session-1"), at(0))).toEqual(Option.none())
        yield* elsewhere.sessions.end(session(1).id)
        expect(Option.isSome(yield* sessions.find(digest("session-1"), at(0)))).toBe(true)
      })
    )
  })
