/** The promises of every `GrantStore` about `list` and `prune`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import type * as Grant from "../../domain/Grant.js"
import type { GrantFilter } from "../../services/stores/GrantStore.js"
import {
  active,
  alice,
  app,
  approved,
  at,
  bob,
  codeEnds,
  day,
  grant,
  grantEnds,
  grantId,
  introduce,
  otherApp,
  redemption,
  second
} from "./fixtures.js"
import { fresh, race, type StoreTest } from "./Nodes.js"

const idsOf = (grants: ReadonlyArray<Grant.Grant>) => grants.map(({ terms }) => terms.id)

/** An issuer with grants 1 to 5, which were stored in another order. */
const several = Effect.gen(function* () {
  const stores = yield* fresh
  const given = [
    grant({ id: grantId(3), subject: bob }),
    grant({ id: grantId(1) }),
    grant({ id: grantId(5) }),
    grant({ id: grantId(2), clientId: otherApp }),
    grant({ id: grantId(4), subject: bob, clientId: otherApp })
  ]
  yield* Effect.forEach(given, stores.grants.approve)
  return stores
})

export const listContract = (it: StoreTest) =>
  describe("list", () => {
    const cases: ReadonlyArray<readonly [string, GrantFilter, ReadonlyArray<number>]> = [
      ["all", {}, [1, 2, 3, 4, 5]],
      ["those of a person", { subject: alice }, [1, 2, 5]],
      ["those of a client", { clientId: app }, [1, 3, 5]],
      ["those of a pair", { subject: alice, clientId: app }, [1, 5]]
    ]

    it.effect.each(cases)("list returns %s, the oldest first, page by page", ([, which, expected]) =>
      Effect.gen(function* () {
        const { grants, nodes } = yield* several
        const ids = expected.map(grantId)
        for (const node of nodes) expect(idsOf(yield* node.grants.list(which, { limit: 10 }))).toEqual(ids)
        const first = yield* grants.list(which, { limit: 2 })
        expect(idsOf(first)).toEqual(ids.slice(0, 2))
        const last = first.at(-1) as Grant.Grant
        expect(idsOf(yield* grants.list(which, { after: last.terms.id, limit: 10 }))).toEqual(ids.slice(2))
        expect(yield* grants.list(which, { after: grantId(5), limit: 10 })).toEqual([])
      })
    )

    it.effect("list returns grants in every state, as they are stored", () =>
      Effect.gen(function* () {
        const { grant: first, grants } = yield* active
        yield* grants.approve(grant({ id: grantId(2) }))
        yield* grants.approve(grant({ id: grantId(3) }))
        yield* grants.revoke(grantId(3), "Denied", at(second))
        const listed = yield* grants.list({ subject: alice }, { limit: 10 })
        expect(listed.map(({ _tag }) => _tag)).toEqual(["Active", "Approved", "Revoked"])
        expect(Option.some(listed[0])).toEqual(yield* grants.find(first.terms.id))
      })
    )

    it.effect("list returns no grant of another issuer", () =>
      Effect.gen(function* () {
        yield* several
        const elsewhere = yield* fresh
        for (const [, which] of cases) expect(yield* elsewhere.grants.list(which, { limit: 10 })).toEqual([])
      })
    )
  })

export const pruneContract = (it: StoreTest) =>
  describe("prune", () => {
    it.effect.each([
      [grantEnds, 0],
      [grantEnds + 1, 1]
    ] as const)("number of active grants that prune deletes if they ended before %i ms: %i", ([before, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(yield* grants.prune(at(before), 10)).toBe(expected)
        expect(Option.isNone(yield* grants.find(grant.terms.id))).toBe(expected === 1)
      })
    )

    it.effect.each([
      [codeEnds, 0],
      [codeEnds + 1, 1]
    ] as const)(
      "number of grants without a redemption that prune deletes if they ended before %i ms: %i",
      ([before, expected]) =>
        Effect.gen(function* () {
          const { grant, grants } = yield* approved
          expect(yield* grants.prune(at(before), 10)).toBe(expected)
          expect(Option.isNone(yield* grants.find(grant.terms.id))).toBe(expected === 1)
        })
    )

    it.effect.each([
      [day, 0],
      [day + 1, 1]
    ] as const)(
      "number of grants, revoked after a day, that prune deletes if they ended before %i ms: %i",
      ([before, expected]) =>
        Effect.gen(function* () {
          const { grant, grants } = yield* active
          yield* grants.revoke(grant.terms.id, "SubjectRevoked", at(day))
          expect(yield* grants.prune(at(before), 10)).toBe(expected)
          expect(Option.isNone(yield* grants.find(grant.terms.id))).toBe(expected === 1)
        })
    )

    it.effect("prune uses the absolute expiry of a grant that was revoked later", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.revoke(grant.terms.id, "SubjectRevoked", at(2 * grantEnds))
        expect(yield* grants.prune(at(grantEnds + 1), 10)).toBe(1)
      })
    )

    it.effect("prune deletes at most `limit` grants, the first to end first, and no grant that has not ended", () =>
      Effect.gen(function* () {
        const stores = yield* fresh
        yield* introduce(stores)
        const { grants } = stores
        for (const n of [1, 2, 3, 4]) yield* grants.approve(grant({ id: grantId(n) }))
        yield* grants.redeem(redemption(grant({ id: grantId(2) })))
        yield* grants.revoke(grantId(3), "Denied", at(second))
        const left = Effect.map(grants.list({}, { limit: 10 }), idsOf)
        expect(yield* grants.prune(at(day), 0)).toBe(0)
        expect(yield* grants.prune(at(day), 1)).toBe(1)
        expect(yield* left).toEqual([1, 2, 4].map(grantId))
        expect(yield* grants.prune(at(day), 1)).toBe(1)
        expect(yield* grants.prune(at(day), 10)).toBe(1)
        expect(yield* left).toEqual([grantId(2)])
        expect(yield* grants.prune(at(day), 10)).toBe(0)
      })
    )

    it.effect("prune deletes no grant of another issuer", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        const elsewhere = yield* fresh
        expect(yield* elsewhere.grants.prune(at(2 * grantEnds), 10)).toBe(0)
        expect(Option.isSome(yield* grants.find(grant.terms.id))).toBe(true)
      })
    )

    it.effect("concurrent calls of prune count each deleted grant once", () =>
      Effect.gen(function* () {
        const { grants, nodes } = yield* fresh
        const count = 20
        for (let n = 1; n <= count; n++) yield* grants.approve(grant({ id: grantId(n) }))
        const counts = yield* race(nodes, 8, ({ grants }) => grants.prune(at(day), 3))
        const deleted = counts.reduce((sum, deleted) => sum + deleted)
        expect(deleted).toBeGreaterThanOrEqual(3)
        expect(yield* grants.list({}, { limit: 100 })).toHaveLength(count - deleted)
      })
    )
  })
