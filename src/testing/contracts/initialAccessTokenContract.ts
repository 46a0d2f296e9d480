/** The promises of every `InitialAccessTokenStore`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import * as Identifier from "../../domain/Identifier.js"
import { type InitialAccessToken, InitialAccessTokenId } from "../../domain/InitialAccessToken.js"
import { at, day, digest, second } from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

const tokenId = (n: number) => InitialAccessTokenId.make(Identifier.format(at(n).epochMillis, new Uint8Array(10)))

const token = (n: number, changes: Partial<InitialAccessToken> = {}): InitialAccessToken => ({
  id: tokenId(n),
  label: Option.none(),
  createdAt: at(n),
  expiresAt: Option.none(),
  maxUses: Option.none(),
  uses: 0,
  usedAt: Option.none(),
  ...changes
})

const everything: Partial<InitialAccessToken> = {
  label: Option.some("Ünïcode ✓ \"quoted\" 'n' \\"),
  expiresAt: Option.some(at(day)),
  maxUses: Option.some(5),
  uses: 2,
  usedAt: Option.some(at(second))
}

export const initialAccessTokenContract = (it: StoreTest) =>
  describe("initial access tokens", () => {
    it.effect("find returns a token by its digest as it was inserted, on every node", () =>
      Effect.gen(function* () {
        const { initialAccessTokens, nodes } = yield* fresh
        const given = [token(1), token(2, everything)]
        for (const [i, one] of given.entries()) yield* initialAccessTokens.insert(one, digest(`token-${i}`))
        for (const node of nodes) {
          for (const [i, one] of given.entries()) {
            expect(yield* node.initialAccessTokens.find(digest(`token-${i}`))).toEqual(Option.some(one))
          }
          expect(yield* node.initialAccessTokens.find(digest("unknown"))).toEqual(Option.none())
          expect(yield* node.initialAccessTokens.find(digest("TOKEN-0"))).toEqual(Option.none())
        }
      })
    )

    it.effect("insert never replaces a token", () =>
      Effect.gen(function* () {
        const { initialAccessTokens } = yield* fresh
        yield* initialAccessTokens.insert(token(1), digest("one"))
        const error = yield* Effect.flip(initialAccessTokens.insert(token(1, everything), digest("two")))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
        expect(yield* initialAccessTokens.list({ limit: 10 })).toEqual([token(1)])
      })
    )

    it.effect("spend counts a use and stores its time, as long as the token is not used up", () =>
      Effect.gen(function* () {
        const { initialAccessTokens } = yield* fresh
        yield* initialAccessTokens.insert(token(1, { maxUses: Option.some(2) }), digest("one"))
        yield* initialAccessTokens.insert(token(2), digest("two"))
        for (const [millis, isCounted] of [
          [1, true],
          [2, true],
          [3, false]
        ] as const) {
          expect(yield* initialAccessTokens.spend(tokenId(1), at(millis))).toBe(isCounted)
          expect(yield* initialAccessTokens.spend(tokenId(2), at(millis))).toBe(true)
        }
        expect(yield* initialAccessTokens.list({ limit: 10 })).toEqual([
          token(1, { maxUses: Option.some(2), uses: 2, usedAt: Option.some(at(2)) }),
          token(2, { uses: 3, usedAt: Option.some(at(3)) })
        ])
        expect(yield* initialAccessTokens.spend(tokenId(3), at(1))).toBe(false)
      })
    )

    it.effect("spend counts no use at the expiry or later", () =>
      Effect.gen(function* () {
        const { initialAccessTokens } = yield* fresh
        yield* initialAccessTokens.insert(token(1, { expiresAt: Option.some(at(second)) }), digest("one"))
        expect(yield* initialAccessTokens.spend(tokenId(1), at(second - 1))).toBe(true)
        expect(yield* initialAccessTokens.spend(tokenId(1), at(second))).toBe(false)
        expect(yield* initialAccessTokens.spend(tokenId(1), at(second + 1))).toBe(false)
      })
    )

    it.effect("a removed token is unknown on every node", () =>
      Effect.gen(function* () {
        const { initialAccessTokens, nodes } = yield* fresh
        yield* initialAccessTokens.insert(token(1), digest("one"))
        expect(yield* initialAccessTokens.remove(tokenId(1))).toBe(true)
        expect(yield* initialAccessTokens.remove(tokenId(1))).toBe(false)
        for (const node of nodes) {
          expect(yield* node.initialAccessTokens.find(digest("one"))).toEqual(Option.none())
          expect(yield* node.initialAccessTokens.spend(tokenId(1), at(0))).toBe(false)
        }
      })
    )

    it.effect("a page has at most `limit` tokens after an id, the oldest first", () =>
      Effect.gen(function* () {
        const { initialAccessTokens } = yield* fresh
        const given = [1, 2, 3].map((n) => token(n))
        for (const one of [...given].reverse()) yield* initialAccessTokens.insert(one, digest(one.id.slice(0, 20)))
        expect(yield* initialAccessTokens.list({ limit: 0 })).toEqual([])
        expect(yield* initialAccessTokens.list({ limit: 10 })).toEqual(given)
        expect(yield* initialAccessTokens.list({ after: tokenId(1), limit: 1 })).toEqual(given.slice(1, 2))
      })
    )

    it.effect("prune deletes at most `limit` tokens that ended, those that ended first, and no others", () =>
      Effect.gen(function* () {
        const { initialAccessTokens } = yield* fresh
        const usedUp = { maxUses: Option.some(1), uses: 1 }
        const given = [
          token(1),
          token(2, { expiresAt: Option.some(at(3)) }),
          token(3, { ...usedUp, usedAt: Option.some(at(2)), expiresAt: Option.some(at(day)) }),
          token(4, { maxUses: Option.some(2), uses: 1, usedAt: Option.some(at(1)) }),
          token(5, { expiresAt: Option.some(at(5)) })
        ]
        for (const one of given) yield* initialAccessTokens.insert(one, digest(one.id.slice(0, 20)))
        const left = Effect.map(initialAccessTokens.list({ limit: 10 }), (list) => list.map(({ id }) => id))
        expect(yield* initialAccessTokens.prune(at(2), 10)).toBe(0)
        expect(yield* initialAccessTokens.prune(at(5), 1)).toBe(1)
        expect(yield* left).toEqual([1, 2, 4, 5].map(tokenId))
        expect(yield* initialAccessTokens.prune(at(5), 10)).toBe(1)
        expect(yield* left).toEqual([1, 4, 5].map(tokenId))
        expect(yield* initialAccessTokens.prune(at(6), 10)).toBe(1)
        expect(yield* left).toEqual([1, 4].map(tokenId))
      })
    )

    it.effect("a store sees no initial access token of another issuer", () =>
      Effect.gen(function* () {
        const { initialAccessTokens } = yield* fresh
        yield* initialAccessTokens.insert(token(1, { expiresAt: Option.some(at(2)) }), digest("one"))
        const elsewhere = (yield* fresh).initialAccessTokens
        expect(yield* elsewhere.find(digest("one"))).toEqual(Option.none())
        expect(yield* elsewhere.list({ limit: 10 })).toEqual([])
        expect(yield* elsewhere.spend(tokenId(1), at(1))).toBe(false)
        expect(yield* elsewhere.remove(tokenId(1))).toBe(false)
        expect(yield* elsewhere.prune(at(day), 10)).toBe(0)
        expect(Option.isSome(yield* initialAccessTokens.find(digest("one")))).toBe(true)
      })
    )

    describe.each(crowds)("of %i callers", (count) => {
      it.effect("exactly as many callers spend a token as it has uses left", () =>
        Effect.gen(function* () {
          const { initialAccessTokens, nodes } = yield* fresh
          const uses = Math.ceil(count / 3)
          yield* initialAccessTokens.insert(token(1, { maxUses: Option.some(uses) }), digest("one"))
          const answers = yield* race(nodes, count, (stores) => stores.initialAccessTokens.spend(tokenId(1), at(1)))
          expect(answers.filter((isCounted) => isCounted)).toHaveLength(uses)
          expect(yield* initialAccessTokens.list({ limit: 10 })).toMatchObject([{ uses }])
        })
      )
    })
  })
