/** The promises of every `GrantStore` about `sealedUnder` and `reseal`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import * as Grant from "../../domain/Grant.js"
import {
  active,
  approved,
  at,
  day,
  grant,
  grantId,
  introduce,
  redemption,
  rotation,
  second,
  token
} from "./fixtures.js"
import { fresh, race, type StoreTest } from "./Nodes.js"

const [from, to] = ["lk_ck_sealed", "lk_ck_anew"]

const keyOf = (grant: Option.Option<Grant.Grant>): string | undefined =>
  Option.getOrUndefined(Option.filter(grant, Grant.isRefreshable))?.chain.value.key

export const resealContract = (it: StoreTest) =>
  describe("reseal", () => {
    it.effect("reseal replaces the chain key and changes nothing else", () =>
      Effect.gen(function* () {
        const { grant, grants, nodes } = yield* active
        const before = Option.getOrThrow(Option.filter(yield* grants.find(grant.terms.id), Grant.isRefreshable))
        expect(yield* grants.reseal(grant.terms.id, from, to)).toBe(true)
        const after = { ...before, chain: Option.some({ ...before.chain.value, key: to }) }
        for (const node of nodes) expect(yield* node.grants.find(grant.terms.id)).toEqual(Option.some(after))
        expect(yield* grants.reseal(grant.terms.id, from, "lk_ck_other")).toBe(false)
        expect(keyOf(yield* grants.find(grant.terms.id))).toBe(to)
      })
    )

    it.effect("sealedUnder returns grants by the prefix of their chain keys, the oldest first, page by page", () =>
      Effect.gen(function* () {
        const stores = yield* fresh
        yield* introduce(stores)
        const key = (prefix: string) => ({ digest: token(1), key: `${prefix}-and-more`, idleExpiresAt: at(day) })
        const [oldKey, newKey] = ["lk_ck_aaaaaaaa", "lk_ck_aaaaaaab"]
        for (const [n, prefix] of [oldKey, newKey, oldKey, oldKey, oldKey].entries()) {
          const made = grant({ id: grantId(n + 1) })
          yield* stores.grants.approve(made)
          yield* stores.grants.redeem(redemption(made, { chain: Option.some(key(prefix)) }))
        }
        yield* stores.grants.approve(grant({ id: grantId(6) }))
        yield* stores.grants.revoke(grantId(5), "Denied", at(second))
        const under = (prefix: string, after?: Grant.GrantId) =>
          Effect.map(
            stores.grants.sealedUnder(prefix, { limit: 2, ...(after === undefined ? {} : { after }) }),
            (found) => found.map(({ terms }) => terms.id)
          )
        expect(yield* under(oldKey)).toEqual([grantId(1), grantId(3)])
        expect(yield* under(oldKey, grantId(3))).toEqual([grantId(4)])
        expect(yield* under(newKey)).toEqual([grantId(2)])
        expect(yield* (yield* fresh).grants.sealedUnder(oldKey, { limit: 2 })).toEqual([])
        const whole = yield* stores.grants.sealedUnder(newKey, { limit: 2 })
        expect(Option.fromNullable(whole[0])).toEqual(yield* stores.grants.find(grantId(2)))
      })
    )

    it.effect("reseal changes no grant without a chain, no revoked grant, and no grant of another issuer", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(yield* (yield* fresh).grants.reseal(grant.terms.id, from, to)).toBe(false)
        expect(yield* grants.reseal(grantId(9), from, to)).toBe(false)
        yield* grants.revoke(grant.terms.id, "Denied", at(second))
        const revoked = yield* grants.find(grant.terms.id)
        expect(yield* grants.reseal(grant.terms.id, from, to)).toBe(false)
        expect(yield* grants.find(grant.terms.id)).toEqual(revoked)
        const waiting = yield* approved
        expect(yield* waiting.grants.reseal(waiting.grant.terms.id, from, to)).toBe(false)
      })
    )

    it.effect.each([2, 8, 64])("reseal and refresh do not undo each other in a race of %i callers", (count) =>
      Effect.gen(function* () {
        const { grant, grants, nodes } = yield* active
        const answers = yield* race(nodes, count, ({ grants }, i) =>
          i % 2 === 0
            ? Effect.map(grants.reseal(grant.terms.id, from, to), (done) => (done ? "resealed" : ""))
            : Effect.map(grants.rotate(rotation(grant, 1, 2 * second)), ({ _tag }) => _tag)
        )
        expect(answers.filter((answer) => answer === "resealed")).toHaveLength(1)
        expect(answers.filter((answer) => answer === "Rotated")).toHaveLength(1)
        const after = yield* grants.find(grant.terms.id)
        expect(keyOf(after)).toBe(to)
        expect(after).toMatchObject({ value: { chain: { value: { generation: 2 } } } })
        expect(yield* grants.rotate(rotation(grant, 2, 3 * second))).toMatchObject({ _tag: "Rotated" })
      })
    )
  })
