/** The promises of every `GrantStore` to many concurrent callers: one of them wins, and its result is valid. */
import { expect } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import * as Grant from "../../domain/Grant.js"
import {
  active,
  alice,
  approved,
  at,
  epochRaisers,
  grant,
  grantId,
  introduce,
  redemption,
  rotation,
  second,
  token,
  wrongChallenge
} from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

const tagsOf = (answers: ReadonlyArray<{ readonly _tag: string }>) => answers.map(({ _tag }) => _tag)

/** A redemption with a refresh token that only this caller has. */
const chainOf = (caller: number) => ({
  chain: Option.some({ digest: token(1, `${caller}`), key: `lk_ck_${caller}`, idleExpiresAt: at(1e9) })
})

export const raceContract = (it: StoreTest) =>
  describe.each(crowds)("of %i callers", (count) => {
    it.effect("one of many approvals makes the grant, and the others see it approved", () =>
      Effect.gen(function* () {
        const stores = yield* fresh
        yield* introduce(stores)
        const answers = yield* race(stores.nodes, count, ({ grants }) => grants.approve(grant()))
        expect(answers.filter((answer) => answer === "Approved")).toHaveLength(1)
        expect(answers.filter((answer) => answer !== "Approved")).toEqual(
          Arr.makeBy(count, () => ({ alreadyDecided: "Approved" })).slice(1)
        )
        expect((yield* stores.grants.redeem(redemption(grant())))._tag).toBe("Redeemed")
      })
    )

    it.effect("one of many callers redeems the code, and only its refresh token is valid", () =>
      Effect.gen(function* () {
        const { grant, grants, nodes } = yield* approved
        const answers = yield* race(nodes, count, ({ grants }, i) => grants.redeem(redemption(grant, chainOf(i))))
        const winner = answers.findIndex(({ _tag }) => _tag === "Redeemed")
        expect(tagsOf(answers).filter((tag) => tag !== "Duplicate")).toEqual(["Redeemed"])
        for (const loser of Arr.makeBy(count, (i) => i).filter((i) => i !== winner)) {
          const lost = rotation(grant, 1, second, { digest: token(1, `${loser}`) })
          expect((yield* grants.rotate(lost))._tag).toBe("Unknown")
        }
        expect((yield* grants.rotate(rotation(grant, 1, second, { digest: token(1, `${winner}`) })))._tag).toBe(
          "Rotated"
        )
      })
    )

    it.effect("one of many callers spends the code, even if half of them have a wrong verifier", () =>
      Effect.gen(function* () {
        const { grant, grants, nodes } = yield* approved
        const answers = yield* race(nodes, count, ({ grants }, i) =>
          grants.redeem(i % 2 === 0 ? redemption(grant) : redemption(grant, { challenge: wrongChallenge }))
        )
        const spent = tagsOf(answers).filter((tag) => tag === "Redeemed" || tag === "WrongVerifier")
        expect(spent).toHaveLength(1)
        const { _tag } = Option.getOrThrow(yield* grants.find(grant.terms.id))
        expect(_tag).toBe(spent[0] === "Redeemed" ? "Active" : "Revoked")
      })
    )

    it.effect("one of many callers rotates, the others get its successor, and no other successor is valid", () =>
      Effect.gen(function* () {
        const { grant, grants, nodes } = yield* active
        const answers = yield* race(nodes, count, ({ grants }, i) =>
          grants.rotate(rotation(grant, 1, second, { successor: token(2, `${i}`) }))
        )
        const winner = answers.findIndex(({ _tag }) => _tag === "Rotated")
        expect(tagsOf(answers).filter((tag) => tag !== "Retried")).toEqual(["Rotated"])
        for (const [i, answer] of answers.entries()) {
          expect(answer).toMatchObject({
            grant: { chain: { value: { generation: 2, digest: token(2, `${winner}`) } } }
          })
          if (i === winner) continue
          const lost = rotation(grant, 2, second, { digest: token(2, `${i}`) })
          expect((yield* grants.rotate(lost))._tag).toBe("Unknown")
        }
        expect((yield* grants.rotate(rotation(grant, 2, second, { digest: token(2, `${winner}`) })))._tag).toBe(
          "Rotated"
        )
      })
    )

    it.effect("many callers follow the chain, and one token is valid in the end", () =>
      Effect.gen(function* () {
        const { grant, grants, nodes } = yield* active
        yield* race(nodes, count, ({ grants }) =>
          Effect.iterate(1, {
            while: (generation) => generation < 5,
            body: (generation) =>
              Effect.map(grants.rotate(rotation(grant, generation, second)), (answer) =>
                answer._tag === "Rotated" || answer._tag === "Retried" ? answer.grant.chain.value.generation : 1000
              )
          })
        )
        const { generation } = Option.getOrThrow(
          Option.flatMap(Option.filter(yield* grants.find(grant.terms.id), Grant.isRefreshable), ({ chain }) => chain)
        )
        expect(generation).toBe(5)
        expect((yield* grants.rotate(rotation(grant, 5, second)))._tag).toBe("Rotated")
      })
    )

    it.effect("one of many callers revokes the grant", () =>
      Effect.gen(function* () {
        const { grant, grants, nodes } = yield* active
        const answers = yield* race(nodes, count, ({ grants }, i) =>
          i % 2 === 0
            ? grants.revoke(grant.terms.id, "CodeReplayed", at(second))
            : Effect.map(
                grants.revokeAll({ subject: alice }, "SubjectRevoked", at(second), { limit: 9 }),
                ({ revoked }) => revoked.length === 1
              )
        )
        expect(answers.filter((revoked) => revoked)).toHaveLength(1)
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toEqual(Option.none())
      })
    )

    it.effect("a grant stays revoked if some callers revoke it while others rotate", () =>
      Effect.gen(function* () {
        const { grant, grants, nodes } = yield* active
        yield* race(nodes, count, ({ grants }, i) =>
          i === count - 1
            ? Effect.asVoid(grants.revoke(grant.terms.id, "RefreshTokenReplayed", at(second)))
            : Effect.asVoid(grants.rotate(rotation(grant, 1, second)))
        )
        expect(yield* grants.find(grant.terms.id)).toMatchObject({ value: { _tag: "Revoked" } })
        expect((yield* grants.rotate(rotation(grant, 1, second)))._tag).toBe("Revoked")
        expect((yield* grants.rotate(rotation(grant, 2, second)))._tag).toBe("Revoked")
      })
    )

    it.effect.each(epochRaisers)(
      "no grant of before is valid if the epoch of the %s is raised while others redeem",
      ([, raise]) =>
        Effect.gen(function* () {
          const { nodes, grants } = yield* approved
          const others = Arr.makeBy(count, (i) => grant({ id: grantId(i + 2) }))
          yield* Effect.forEach(others, grants.approve)
          yield* race(nodes, count, (stores, i) =>
            i === 0
              ? Effect.asVoid(raise(stores))
              : Effect.asVoid(stores.grants.redeem(redemption(others[i] as Grant.Approved)))
          )
          for (const { terms } of others) {
            expect(yield* grants.findActive(terms.id, at(second), Option.none())).toEqual(Option.none())
            expect((yield* grants.rotate(rotation(grant({ id: terms.id }), 1, second)))._tag).not.toBe("Rotated")
          }
        })
    )

    it.effect.each(epochRaisers)(
      "no token of before is valid if the epoch of the %s is raised while others refresh",
      ([, raise]) =>
        Effect.gen(function* () {
          const { grant, grants, nodes } = yield* active
          const answers = yield* race(nodes, count, (stores, i) =>
            i === count - 1
              ? Effect.as(raise(stores), "raised")
              : Effect.map(stores.grants.rotate(rotation(grant, 1, second)), ({ _tag }) => _tag)
          )
          expect(answers.filter((answer) => answer === "Rotated").length).toBeLessThanOrEqual(1)
          expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toEqual(Option.none())
          for (const generation of [1, 2]) {
            expect((yield* grants.rotate(rotation(grant, generation, second)))._tag).toBe("Revoked")
          }
        })
    )
  })
