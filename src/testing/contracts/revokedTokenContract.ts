/** The promises of every `RevokedTokenStore`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import { TokenId } from "../../domain/AccessToken.js"
import { at, day, second } from "./fixtures.js"
import { fresh, race, type StoreTest } from "./Nodes.js"

const one = TokenId.make("one")
const other = TokenId.make("other")

export const revokedTokenContract = (it: StoreTest) =>
  describe("revoked tokens", () => {
    it.effect("a revoked token, and no other, is known on every node", () =>
      Effect.gen(function* () {
        const { nodes, revokedTokens } = yield* fresh
        expect(yield* revokedTokens.has(one)).toBe(false)
        yield* revokedTokens.insert(one, at(day))
        for (const node of nodes) {
          expect(yield* node.revokedTokens.has(one)).toBe(true)
          expect(yield* node.revokedTokens.has(TokenId.make("ONE"))).toBe(false)
          expect(yield* node.revokedTokens.has(other)).toBe(false)
        }
      })
    )

    it.effect("a token that is revoked twice is stored until the later expiry", () =>
      Effect.gen(function* () {
        const { nodes, revokedTokens } = yield* fresh
        const answers = yield* race(nodes, 8, ({ revokedTokens }, i) => revokedTokens.insert(one, at(i * second)))
        expect(answers.filter((isNew) => isNew)).toHaveLength(1)
        expect(yield* revokedTokens.insert(one, at(0))).toBe(false)
        expect(yield* revokedTokens.prune(at(7 * second), 10)).toBe(0)
        expect(yield* revokedTokens.has(one)).toBe(true)
        expect(yield* revokedTokens.prune(at(7 * second + 1), 10)).toBe(1)
        expect(yield* revokedTokens.has(one)).toBe(false)
      })
    )

    it.effect("prune deletes at most `limit` expired tokens, the first to expire first", () =>
      Effect.gen(function* () {
        const { revokedTokens } = yield* fresh
        const ids = [1, 2, 3].map((n) => TokenId.make(`token-${n}`))
        for (const [i, id] of ids.entries()) yield* revokedTokens.insert(id, at(i))
        const left = Effect.forEach(ids, revokedTokens.has)
        expect(yield* revokedTokens.prune(at(0), 10)).toBe(0)
        expect(yield* revokedTokens.prune(at(2), 1)).toBe(1)
        expect(yield* left).toEqual([false, true, true])
        expect(yield* revokedTokens.prune(at(2), 10)).toBe(1)
        expect(yield* left).toEqual([false, false, true])
        expect(yield* revokedTokens.prune(at(2), 10)).toBe(0)
      })
    )

    it.effect("a revoked-token store sees nothing of another issuer", () =>
      Effect.gen(function* () {
        const { revokedTokens } = yield* fresh
        yield* revokedTokens.insert(one, at(0))
        const elsewhere = yield* fresh
        expect(yield* elsewhere.revokedTokens.has(one)).toBe(false)
        expect(yield* elsewhere.revokedTokens.prune(at(day), 10)).toBe(0)
        expect(yield* revokedTokens.has(one)).toBe(true)
      })
    )
  })
