/** What every `GrantStore` promises of codes, of revocation, and of what it finds. */
import { expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { TokenId } from "../../src/domain/AccessToken.js"
import * as Grant from "../../src/domain/Grant.js"
import * as Scope from "../../src/domain/Scope.js"
import type { Whose } from "../../src/services/GrantStore.js"
import {
  active,
  alice,
  app,
  approved,
  at,
  bob,
  client,
  codeEnds,
  consent,
  day,
  digest,
  epochRaisers,
  grant,
  grantEnds,
  grantId,
  idle,
  introduce,
  otherApp,
  otherCallback,
  redemption,
  rotation,
  second,
  token,
  wrongChallenge
} from "./fixtures.js"
import { fresh, type Stores, type StoreTest } from "./Nodes.js"

type State = "Enabled" | "Disabled"

const { Duplicate, Expired, Replayed, Unknown, WrongVerifier } = Grant.RedemptionAnswer

export const approveContract = (it: StoreTest) =>
  describe("approve", () => {
    it.effect("keeps the grant as it was given", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        const given = grant({ scope: Scope.make("b", "a"), resources: [] })
        expect(yield* grants.approve(given)).toBe("Approved")
        expect(yield* grants.find(given.terms.id)).toEqual(Option.some(given))
      })
    )

    it.effect("keeps more scope than one request may name", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        const given = grant({ scope: new Set(Array.from({ length: 200 }, (_, i) => `scope:${i}`)) })
        yield* grants.approve(given)
        expect(yield* grants.find(given.terms.id)).toEqual(Option.some(given))
      })
    )

    it.effect("makes no second grant of one id, and leaves the first as it is", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        yield* grants.approve(grant())
        const second = grant({ subject: bob, scope: Scope.make("everything") })
        expect(yield* grants.approve(second)).toEqual({ alreadyDecided: "Approved" })
        expect(yield* grants.find(grantId(1))).toEqual(Option.some(grant()))
      })
    )

    it.effect("says that the grant is active by now", () =>
      Effect.gen(function* () {
        const { grants } = yield* active
        expect(yield* grants.approve(grant())).toEqual({ alreadyDecided: "Active" })
      })
    )

    it.effect("says that the grant is revoked by now, and does not revive it", () =>
      Effect.gen(function* () {
        const { grants } = yield* approved
        yield* grants.revoke(grantId(1), "Denied", at(second))
        expect(yield* grants.approve(grant())).toEqual({ alreadyDecided: "Revoked" })
        expect(yield* grants.redeem(redemption(grant()))).toEqual(Unknown())
      })
    )
  })

export const redeemContract = (it: StoreTest) =>
  describe("redeem", () => {
    it.effect("spends the code, and answers with the grant as it is now kept", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        const chain = {
          generation: 1,
          digest: token(1),
          key: "lk_ck_sealed",
          rotatedAt: at(second),
          burst: Option.none()
        }
        const expected = Grant.Grant.Active({
          terms: grant.terms,
          code: grant.code,
          redeemedAt: at(second),
          chain: Option.map(redemption(grant).chain, ({ idleExpiresAt }) => ({ ...chain, idleExpiresAt }))
        })
        const answer = yield* grants.redeem(redemption(grant))
        expect(answer).toEqual(Grant.RedemptionAnswer.Redeemed({ grant: expected }))
        expect(yield* grants.find(grant.terms.id)).toEqual(Option.some(expected))
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toEqual(Option.some(expected))
      })
    )

    it.effect("begins no chain where no refresh token is issued", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        const answer = yield* grants.redeem(redemption(grant, { chain: Option.none() }))
        expect(answer).toMatchObject({ _tag: "Redeemed", grant: { chain: Option.none() } })
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toMatchObject({
          value: { chain: Option.none() }
        })
      })
    )

    it.effect("takes a request that names no redirect URI", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect((yield* grants.redeem(redemption(grant, { redirectUri: Option.none() })))._tag).toBe("Redeemed")
      })
    )

    const strangers: ReadonlyArray<readonly [string, Partial<Grant.Redemption>]> = [
      ["an unknown grant", { grantId: grantId(2) }],
      ["another code", { digest: digest("guess") }],
      ["another client", { clientId: otherApp }],
      ["another redirect URI", { redirectUri: Option.some(otherCallback) }]
    ]

    it.effect.each(strangers)("changes nothing for %s, whatever the verifier", ([, changes]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect(yield* grants.redeem(redemption(grant, changes))).toEqual(Unknown())
        expect(yield* grants.redeem(redemption(grant, { ...changes, challenge: wrongChallenge }))).toEqual(Unknown())
        expect(yield* grants.find(grant.terms.id)).toEqual(Option.some(grant))
        expect((yield* grants.redeem(redemption(grant)))._tag).toBe("Redeemed")
      })
    )

    it.effect.each(strangers)("is no replay when it is %s that comes after the redemption", ([, changes]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(yield* grants.redeem(redemption(grant, { ...changes, now: at(10 * second) }))).toEqual(Unknown())
      })
    )

    it.effect("is no replay when the verifier is wrong, which a thief of the code does not know", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const before = yield* grants.find(grant.terms.id)
        const late = redemption(grant, { challenge: wrongChallenge, now: at(10 * second) })
        expect(yield* grants.redeem(late)).toEqual(Unknown())
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("is spent by a wrong verifier of the right client, and the grant is revoked", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect(yield* grants.redeem(redemption(grant, { challenge: wrongChallenge }))).toEqual(WrongVerifier())
        expect(yield* grants.find(grant.terms.id)).toEqual(
          Option.some(
            Grant.Grant.Revoked({
              terms: grant.terms,
              code: grant.code,
              redeemedAt: Option.none(),
              revokedAt: at(second),
              reason: "WrongVerifier"
            })
          )
        )
        expect(yield* grants.redeem(redemption(grant))).toEqual(Unknown())
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toEqual(Option.none())
        expect(yield* grants.rotate(rotation(grant, 1, second))).toEqual(Grant.RotationAnswer.Revoked())
      })
    )

    it.effect.each([
      [codeEnds - 1, "Redeemed"],
      [codeEnds, "Expired"],
      [codeEnds + 1, "Expired"]
    ] as const)("%i ms after the approval is %s", ([millis, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect((yield* grants.redeem(redemption(grant, { now: at(millis) })))._tag).toBe(expected)
        const { _tag } = Option.getOrThrow(yield* grants.find(grant.terms.id))
        expect(_tag).toBe(expected === "Redeemed" ? "Active" : "Approved")
      })
    )

    it.effect("is expired with a wrong verifier, too, and revokes nothing", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        const late = redemption(grant, { challenge: wrongChallenge, now: at(codeEnds) })
        expect(yield* grants.redeem(late)).toEqual(Expired())
        expect(yield* grants.find(grant.terms.id)).toEqual(Option.some(grant))
      })
    )

    it.effect.each([
      [2 * second, 0, Duplicate()],
      [2 * second, 2 * second - 1, Duplicate()],
      [2 * second, 2 * second, Replayed()],
      [2 * second, 2 * second + 1, Replayed()],
      [2 * second, -1, Duplicate()],
      [0, 0, Replayed()],
      [0, -1, Replayed()]
    ] as const)(
      "in a window of %i ms, again %i ms after the redemption, changes nothing",
      ([window, later, expected]) =>
        Effect.gen(function* () {
          const { grant, grants } = yield* active
          const before = yield* grants.find(grant.terms.id)
          const again = redemption(grant, { now: at(second + later), duplicateWindow: Duration.millis(window) })
          expect(yield* grants.redeem(again)).toEqual(expected)
          expect(yield* grants.find(grant.terms.id)).toEqual(before)
        })
    )

    it.effect("knows a replay when the grant was revoked meanwhile", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.revoke(grant.terms.id, "RefreshTokenReplayed", at(2 * second))
        expect(yield* grants.redeem(redemption(grant, { now: at(10 * second) }))).toEqual(Replayed())
      })
    )

    it.effect.each(epochRaisers)("redeems nothing once the epoch of the %s was raised", ([, raise]) =>
      Effect.gen(function* () {
        const given = yield* approved
        yield* raise(given)
        expect(yield* given.grants.redeem(redemption(given.grant))).toEqual(Unknown())
        const wrong = redemption(given.grant, { challenge: wrongChallenge })
        expect(yield* given.grants.redeem(wrong)).toEqual(Unknown())
        expect(yield* given.grants.find(given.grant.terms.id)).toEqual(Option.some(given.grant))
      })
    )

    it.effect("redeems the grant of a person that has no account here, under epoch 0", () =>
      Effect.gen(function* () {
        const { clients, consents, grants } = yield* fresh
        yield* Effect.all([clients.insert(client(app)), consents.record(consent())])
        const external = grant({ epochs: { subject: 0, client: 1, consent: 1 } })
        yield* grants.approve(external)
        expect((yield* grants.redeem(redemption(external)))._tag).toBe("Redeemed")
        expect(Option.isSome(yield* grants.findActive(external.terms.id, at(second), Option.none()))).toBe(true)
        expect((yield* grants.rotate(rotation(external, 1, second)))._tag).toBe("Rotated")
      })
    )

    it.effect.each([
      ["account", { subject: bob }],
      ["client", { clientId: otherApp }]
    ] as const)("redeems nothing where the %s of the grant is not there", ([, changes]) =>
      Effect.gen(function* () {
        const stores = yield* fresh
        yield* introduce(stores)
        const orphan = grant(changes)
        const { clientId, subject } = orphan.terms
        yield* stores.consents.record(consent({ clientId, subject }))
        yield* stores.grants.approve(orphan)
        expect(yield* stores.grants.redeem(redemption(orphan, { clientId }))).toEqual(Unknown())
      })
    )

    it.effect("redeems nothing where there is no consent", () =>
      Effect.gen(function* () {
        const stores = yield* fresh
        yield* introduce(stores)
        yield* stores.clients.insert(client(otherApp))
        const orphan = grant({ clientId: otherApp })
        yield* stores.grants.approve(orphan)
        expect(yield* stores.grants.redeem(redemption(orphan, { clientId: otherApp }))).toEqual(Unknown())
      })
    )
  })

export const revokeContract = (it: StoreTest) => {
  describe("revoke", () => {
    it.effect("takes a grant back once, and keeps what is known of it", () =>
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

    it.effect("ends the access tokens, the refresh tokens and the code of the grant", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.revoke(grant.terms.id, "SubjectRevoked", at(second))
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toEqual(Option.none())
        expect(yield* grants.rotate(rotation(grant, 1, second))).toEqual(Grant.RotationAnswer.Revoked())
        expect((yield* grants.redeem(redemption(grant)))._tag).not.toBe("Redeemed")
      })
    )

    it.effect("does nothing to a grant that is not there", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        expect(yield* grants.revoke(grantId(1), "Denied", at(0))).toBe(false)
        expect(yield* grants.approve(grant())).toBe("Approved")
      })
    )
  })

  describe("revokeAll", () => {
    const one = grantId(1)
    const cases: ReadonlyArray<readonly [string, Whose, ReadonlyArray<Grant.GrantId>]> = [
      ["a person", { subject: alice }, [one, grantId(2)]],
      ["a client", { clientId: app }, [one, grantId(3)]],
      ["a pair", { subject: alice, clientId: app }, [one]]
    ]

    it.effect.each(cases)("takes back every grant of %s, says which, and no other", ([, whose, expected]) =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        const given = [
          grant({ id: one }),
          grant({ id: grantId(2), clientId: otherApp }),
          grant({ id: grantId(3), subject: bob }),
          grant({ id: grantId(4), subject: bob, clientId: otherApp })
        ]
        yield* Effect.forEach(given, grants.approve)
        const revoked = yield* grants.revokeAll(whose, "ConsentWithdrawn", at(second))
        expect(Array.from(revoked).sort()).toEqual(expected)
        for (const { terms } of given) {
          const { _tag } = Option.getOrThrow(yield* grants.find(terms.id))
          expect(_tag).toBe(expected.includes(terms.id) ? "Revoked" : "Approved")
        }
        expect(yield* grants.revokeAll(whose, "ConsentWithdrawn", at(second))).toEqual([])
      })
    )

    it.effect("says nothing of a grant that was revoked before, and leaves its reason", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.revoke(grant.terms.id, "LostWrites", at(second))
        expect(yield* grants.revokeAll({ subject: alice }, "SubjectRevoked", at(second))).toEqual([])
        expect(yield* grants.find(grant.terms.id)).toMatchObject({ value: { reason: "LostWrites" } })
      })
    )
  })
}

export const findContract = (it: StoreTest) =>
  describe("find and findActive", () => {
    it.effect("find nothing of an unknown id", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        expect(yield* grants.find(grantId(1))).toEqual(Option.none())
        expect(yield* grants.findActive(grantId(1), at(0), Option.none())).toEqual(Option.none())
      })
    )

    it.effect("find no active grant before the code is redeemed", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect(yield* grants.findActive(grant.terms.id, at(0), Option.none())).toEqual(Option.none())
      })
    )

    it.effect.each([
      [grantEnds - 1, true],
      [grantEnds, false],
      [grantEnds + 1, false]
    ] as const)("%i ms after the approval, find an active grant: %s", ([millis, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(Option.isSome(yield* grants.findActive(grant.terms.id, at(millis), Option.none()))).toBe(expected)
        expect(Option.isSome(yield* grants.find(grant.terms.id))).toBe(true)
      })
    )

    it.effect("find a grant active whose refresh token died unused", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(Option.isSome(yield* grants.findActive(grant.terms.id, at(idle), Option.none()))).toBe(true)
      })
    )

    it.effect.each(epochRaisers)("find no active grant once the epoch of the %s was raised", ([, raise]) =>
      Effect.gen(function* () {
        const given = yield* active
        yield* raise(given)
        expect(yield* given.grants.findActive(given.grant.terms.id, at(second), Option.none())).toEqual(Option.none())
        expect(yield* given.grants.find(given.grant.terms.id)).toMatchObject({ value: { _tag: "Active" } })
      })
    )

    it.effect("find no active grant for an access token that was revoked by itself", () =>
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
    ] as const)("find nothing good while the %s is disabled, whatever its epoch, nor later what is older", ([, set]) =>
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

    it.effect("see nothing of another issuer, though its ids be the same", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const elsewhere = yield* fresh
        expect(yield* elsewhere.grants.find(grant.terms.id)).toEqual(Option.none())
        expect(yield* elsewhere.grants.redeem(redemption(grant))).toEqual(Unknown())
        expect(yield* elsewhere.grants.rotate(rotation(grant, 1, second))).toEqual(Grant.RotationAnswer.Unknown())
        expect(yield* elsewhere.grants.revoke(grant.terms.id, "Denied", at(second))).toBe(false)
        expect(yield* elsewhere.grants.revokeAll({ subject: alice }, "Denied", at(second))).toEqual([])
        expect(yield* elsewhere.grants.approve(grant)).toBe("Approved")
        expect(yield* grants.find(grant.terms.id)).toMatchObject({ value: { _tag: "Active" } })
      })
    )

    it.effect("do not take the epochs of another issuer for their own", () =>
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
