/** The promises of every `GrantStore` about revocation and about `find`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { TokenId } from "../../domain/AccessToken.js"
import * as Grant from "../../domain/Grant.js"
import type { RevocationFilter, RevokedPage } from "../../services/stores/GrantStore.js"
import {
  active,
  alice,
  app,
  approved,
  at,
  bob,
  day,
  emptyFilters,
  epochRaisers,
  grant,
  grantEnds,
  grantId,
  idle,
  introduce,
  otherApp,
  redemption,
  rotation,
  second
} from "./fixtures.js"
import { fresh, type Stores, type StoreTest } from "./Nodes.js"

type State = "Enabled" | "Disabled"

const { Unknown } = Grant.RedemptionAnswer

export const revokeContract = (it: StoreTest) => {
  describe("revoke", () => {
    it.effect("revoke revokes a grant once and keeps its other members", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(yield* grants.revoke(grant.terms.id, "CodeReplayed", at(day))).toBe(true)
        expect(yield* grants.revoke(grant.terms.id, "Denied", at(day + 1))).toBe(false)
        expect(yield* grants.find(grant.terms.id)).toEqual(
          Option.some(
            Grant.Grant.Revoked({
              terms: grant.terms,
              code: grant.code,
              redeemedAt: Option.some(at(second)),
              revokedAt: at(day),
              reason: "CodeReplayed"
            })
          )
        )
      })
    )

    it.effect("revoke ends the access tokens, the refresh tokens and the code of the grant", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.revoke(grant.terms.id, "SubjectRevoked", at(second))
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toEqual(Option.none())
        expect(yield* grants.rotate(rotation(grant, 1, second))).toEqual(Grant.RotationAnswer.Revoked())
        expect((yield* grants.redeem(redemption(grant)))._tag).not.toBe("Redeemed")
      })
    )

    it.effect("revoke returns false for an unknown grant", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        expect(yield* grants.revoke(grantId(1), "Denied", at(0))).toBe(false)
        expect(yield* grants.approve(grant())).toBe("Approved")
      })
    )
  })

  describe("revokeAll", () => {
    const one = grantId(1)
    const cases: ReadonlyArray<readonly [string, RevocationFilter, ReadonlyArray<Grant.GrantId>]> = [
      ["a person", { subject: alice }, [one, grantId(2)]],
      ["a client", { clientId: app }, [one, grantId(3)]],
      ["a pair", { subject: alice, clientId: app }, [one]],
      ["everybody", { everybody: true }, [one, grantId(2), grantId(3), grantId(4)]]
    ]
    const most = { limit: 100 }

    it.effect("revokeAll dies and revokes nothing if the filter is empty", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        yield* grants.approve(grant({ id: one }))
        for (const whose of emptyFilters) {
          const answer = grants.revokeAll(whose, "OperatorRevoked", at(second), most)
          expect(yield* Effect.catchAllDefect(answer, () => Effect.succeed("died"))).toBe("died")
        }
        expect(yield* grants.find(one)).toMatchObject({ value: { _tag: "Approved" } })
      })
    )

    it.effect.each(cases)(
      "revokeAll revokes every grant of %s and no other, and returns their ids",
      ([, whose, expected]) =>
        Effect.gen(function* () {
          const { grants } = yield* fresh
          const given = [
            grant({ id: one }),
            grant({ id: grantId(2), clientId: otherApp }),
            grant({ id: grantId(3), subject: bob }),
            grant({ id: grantId(4), subject: bob, clientId: otherApp })
          ]
          yield* Effect.forEach(given, grants.approve)
          const { next, revoked } = yield* grants.revokeAll(whose, "ConsentWithdrawn", at(second), most)
          expect(Array.from(revoked).sort()).toEqual(expected)
          expect(next).toEqual(Option.none())
          for (const { terms } of given) {
            const { _tag } = Option.getOrThrow(yield* grants.find(terms.id))
            expect(_tag).toBe(expected.includes(terms.id) ? "Revoked" : "Approved")
          }
          expect((yield* grants.revokeAll(whose, "ConsentWithdrawn", at(second), most)).revoked).toEqual([])
        })
    )

    it.effect.each(cases)(
      "revokeAll checks at most `limit` grants of %s, and the next call continues",
      ([, whose, expected]) =>
        Effect.gen(function* () {
          const { grants } = yield* fresh
          yield* Effect.forEach([1, 2], (n) =>
            grants.approve(grant({ id: grantId(n), ...(n === 2 ? { clientId: otherApp } : {}) }))
          )
          yield* grants.approve(grant({ id: grantId(3), subject: bob }))
          yield* grants.approve(grant({ id: grantId(4), subject: bob, clientId: otherApp }))
          // A grant that is revoked already counts too, because a page of them takes as long as any other.
          yield* grants.revoke(one, "Denied", at(second))
          const pages: Array<ReadonlyArray<Grant.GrantId>> = []
          let next: Option.Option<Grant.GrantId> = Option.none()
          do {
            const page: RevokedPage = yield* grants.revokeAll(whose, "SubjectRevoked", at(second), {
              limit: 1,
              ...(Option.isNone(next) ? {} : { after: next.value })
            })
            pages.push(page.revoked)
            next = page.next
          } while (Option.isSome(next))
          expect(pages).toEqual([...expected.map((id) => (id === one ? [] : [id])), []])
        })
    )

    it.effect("revokeAll skips a grant that was approved after it began, unless an epoch of the grant is over", () =>
      Effect.gen(function* () {
        const given = yield* active
        const { clients, grants } = given
        const epochs = { subject: 1, client: 2, consent: 1 }
        const late = grant({ id: grantId(2), approvedAt: at(2 * second), epochs })
        const stale = grant({ id: grantId(3), approvedAt: at(2 * second) })
        yield* clients.advanceEpoch(app)
        yield* Effect.forEach([late, stale], grants.approve)
        const { revoked } = yield* grants.revokeAll({ clientId: app }, "OperatorRevoked", at(second), most)
        expect(Array.from(revoked).sort()).toEqual([given.grant.terms.id, stale.terms.id])
        expect((yield* grants.redeem(redemption(late, { now: at(3 * second) })))._tag).toBe("Redeemed")
      })
    )

    it.effect("revokeAll does not return a grant that is revoked already, and keeps its reason", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.revoke(grant.terms.id, "LostWrites", at(second))
        expect((yield* grants.revokeAll({ subject: alice }, "SubjectRevoked", at(second), most)).revoked).toEqual([])
        expect(yield* grants.find(grant.terms.id)).toMatchObject({ value: { reason: "LostWrites" } })
      })
    )
  })
}

export const findContract = (it: StoreTest) =>
  describe("find and findActive", () => {
    it.effect("find returns nothing for an unknown id", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        expect(yield* grants.find(grantId(1))).toEqual(Option.none())
        expect(yield* grants.findActive(grantId(1), at(0), Option.none())).toEqual(Option.none())
      })
    )

    it.effect("findActive returns nothing before the code is redeemed", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect(yield* grants.findActive(grant.terms.id, at(0), Option.none())).toEqual(Option.none())
      })
    )

    it.effect.each([
      [grantEnds - 1, true],
      [grantEnds, false],
      [grantEnds + 1, false]
    ] as const)("%i ms after the approval, findActive returns a grant: %s", ([millis, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(Option.isSome(yield* grants.findActive(grant.terms.id, at(millis), Option.none()))).toBe(expected)
        expect(Option.isSome(yield* grants.find(grant.terms.id))).toBe(true)
      })
    )

    it.effect("a grant is active after its unused refresh token has expired", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(Option.isSome(yield* grants.findActive(grant.terms.id, at(idle), Option.none()))).toBe(true)
      })
    )

    it.effect.each(epochRaisers)("findActive returns nothing after the epoch of the %s was raised", ([, raise]) =>
      Effect.gen(function* () {
        const given = yield* active
        yield* raise(given)
        expect(yield* given.grants.findActive(given.grant.terms.id, at(second), Option.none())).toEqual(Option.none())
        expect(yield* given.grants.find(given.grant.terms.id)).toMatchObject({ value: { _tag: "Active" } })
      })
    )

    it.effect("findActive returns nothing for an access token that was revoked alone", () =>
      Effect.gen(function* () {
        const { grant, grants, nodes, revokedTokens } = yield* active
        const find = (token: string) =>
          grants
            .findActive(grant.terms.id, at(second), Option.some(TokenId.make(token)))
            .pipe(Effect.map(Option.isSome))
        const elsewhere = yield* fresh
        yield* elsewhere.revokedTokens.insert(TokenId.make("one"), at(day))
        expect(yield* find("one")).toBe(true)
        yield* revokedTokens.insert(TokenId.make("one"), at(day))
        expect(yield* find("one")).toBe(false)
        expect(yield* find("other")).toBe(true)
        for (const node of nodes) {
          const token = Option.some(TokenId.make("one"))
          expect(yield* node.grants.findActive(grant.terms.id, at(second), token)).toEqual(Option.none())
          expect(Option.isSome(yield* node.grants.findActive(grant.terms.id, at(second), Option.none()))).toBe(true)
        }
        expect((yield* grants.rotate(rotation(grant, 1, second)))._tag).toBe("Rotated")
      })
    )

    it.effect.each([
      ["person", ({ accounts }: Stores, state: State) => accounts.setState(alice, state)],
      ["client", ({ clients }: Stores, state: State) => clients.setState(app, state)]
    ] as const)(
      "no grant is valid while the %s is disabled, whatever its epoch, and no older grant is valid afterwards",
      ([, set]) =>
        Effect.gen(function* () {
          const given = yield* active
          const { accounts, clients, grants } = given
          yield* set(given, "Disabled")
          const epochs = {
            subject: Option.getOrThrow(yield* accounts.find(alice)).epoch,
            client: Option.getOrThrow(yield* clients.find(app)).epoch,
            consent: 1
          }
          const late = grant({ id: grantId(2), epochs })
          yield* grants.approve(late)
          expect(yield* grants.redeem(redemption(late))).toEqual(Unknown())
          yield* set(given, "Enabled")
          expect(yield* grants.findActive(given.grant.terms.id, at(second), Option.none())).toEqual(Option.none())
          expect(yield* grants.rotate(rotation(given.grant, 1, second))).toEqual(Grant.RotationAnswer.Revoked())
          expect((yield* grants.redeem(redemption(late)))._tag).toBe("Redeemed")
        })
    )

    it.effect("a grant store sees nothing of another issuer with the same ids", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const elsewhere = yield* fresh
        expect(yield* elsewhere.grants.find(grant.terms.id)).toEqual(Option.none())
        expect(yield* elsewhere.grants.redeem(redemption(grant))).toEqual(Unknown())
        expect(yield* elsewhere.grants.rotate(rotation(grant, 1, second))).toEqual(Grant.RotationAnswer.Unknown())
        expect(yield* elsewhere.grants.revoke(grant.terms.id, "Denied", at(second))).toBe(false)
        for (const whose of [{ subject: alice }, { everybody: true }] as const) {
          const { revoked } = yield* elsewhere.grants.revokeAll(whose, "Denied", at(second), { limit: 100 })
          expect(revoked).toEqual([])
        }
        expect(yield* elsewhere.grants.approve(grant)).toBe("Approved")
        expect(yield* grants.find(grant.terms.id)).toMatchObject({ value: { _tag: "Active" } })
      })
    )

    it.effect("a grant store does not use the epochs of another issuer", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const elsewhere = yield* fresh
        yield* introduce(elsewhere)
        yield* Effect.forEach(epochRaisers, ([, raise]) => raise(elsewhere))
        expect(Option.isSome(yield* grants.findActive(grant.terms.id, at(second), Option.none()))).toBe(true)
        expect((yield* grants.rotate(rotation(grant, 1, second)))._tag).toBe("Rotated")
      })
    )
  })
