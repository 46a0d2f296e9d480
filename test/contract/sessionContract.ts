/** What every `SessionStore` promises. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { account, alice, at, bob, day, digest, session } from "./fixtures.js"
import { fresh, type StoreTest } from "./Nodes.js"

/** An issuer with a person who is logged in. */
const loggedIn = Effect.gen(function* () {
  const stores = yield* fresh
  yield* stores.accounts.insert(account(alice))
  yield* stores.sessions.insert(session(1))
  return stores
})

export const sessionContract = (it: StoreTest) =>
  describe("sessions", () => {
    it.effect("find a session as it was inserted, by the digest of its secret, on every node", () =>
      Effect.gen(function* () {
        const { nodes } = yield* loggedIn
        for (const { sessions } of nodes) {
          expect(yield* sessions.find(digest("session-1"), at(0))).toEqual(Option.some(session(1)))
          expect(yield* sessions.find(digest("session-2"), at(0))).toEqual(Option.none())
        }
      })
    )

    it.effect.each([
      [day - 1, true],
      [day, false],
      [day + 1, false]
    ] as const)("%i ms after the login, find it: %s", ([millis, expected]) =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        expect(Option.isSome(yield* sessions.find(digest("session-1"), at(millis)))).toBe(expected)
      })
    )

    it.effect("end that session for good, and no other", () =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        yield* sessions.insert(session(2))
        yield* sessions.end(session(1).id)
        yield* sessions.end(session(1).id)
        yield* sessions.end(session(3).id)
        expect(yield* sessions.find(digest("session-1"), at(0))).toEqual(Option.none())
        expect(yield* sessions.find(digest("session-2"), at(0))).toEqual(Option.some(session(2)))
      })
    )

    it.effect("are over once the epoch of the account was raised", () =>
      Effect.gen(function* () {
        const { accounts, sessions } = yield* loggedIn
        yield* accounts.advanceEpoch(alice)
        expect(yield* sessions.find(digest("session-1"), at(0))).toEqual(Option.none())
        yield* sessions.insert(session(2, { subjectEpoch: 2 }))
        expect(Option.isSome(yield* sessions.find(digest("session-2"), at(0)))).toBe(true)
      })
    )

    it.effect("are over where the account is gone", () =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        yield* sessions.insert(session(2, { subject: bob }))
        expect(yield* sessions.find(digest("session-2"), at(0))).toEqual(Option.none())
      })
    )

    it.effect("know a person that has no account here, under epoch 0", () =>
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
    ] as const)("never put a session in the place of one with the same %s", ([, intruder]) =>
      Effect.gen(function* () {
        const { sessions } = yield* loggedIn
        const error = yield* Effect.flip(sessions.insert(intruder))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* sessions.find(digest("session-1"), at(0))).toEqual(Option.some(session(1)))
      })
    )

    it.effect("see nothing of another issuer", () =>
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
