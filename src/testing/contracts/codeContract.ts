/** The promises of every `GrantStore` about authorization codes. */
import { expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import * as Grant from "../../domain/Grant.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import {
  active,
  app,
  approved,
  at,
  bob,
  client,
  codeEnds,
  consent,
  digest,
  epochRaisers,
  grant,
  grantId,
  home,
  introduce,
  notes,
  ofNotes,
  otherApp,
  otherCallback,
  redemption,
  rotation,
  second,
  token,
  wrongChallenge
} from "./fixtures.js"
import { fresh, type StoreTest } from "./Nodes.js"

const { Expired, Unknown, WrongVerifier } = Grant.RedemptionAnswer
const Duplicate = () => Grant.RedemptionAnswer.Duplicate({ elsewhere: false })
const Replayed = () => Grant.RedemptionAnswer.Replayed({ elsewhere: false })

const files = ResourceIndicator.make("https://files.example.com/")

export const approveContract = (it: StoreTest) =>
  describe("approve", () => {
    it.effect("approve stores the grant as it was given, each scope at its own resource", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        const given = grant({ granted: ResourceScopes.make([notes, Scope.make("b", "a")], [files, Scope.empty]) })
        expect(yield* grants.approve(given)).toBe("Approved")
        expect(yield* grants.find(given.terms.id)).toEqual(Option.some(given))
      })
    )

    it.effect("approve stores a scope with more tokens than one request may name", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        const given = grant({ granted: ofNotes(...Array.from({ length: 200 }, (_, i) => `scope:${i}`)) })
        yield* grants.approve(given)
        expect(yield* grants.find(given.terms.id)).toEqual(Option.some(given))
      })
    )

    it.effect("a second approval with the same id makes no grant and does not change the first", () =>
      Effect.gen(function* () {
        const { grants } = yield* fresh
        yield* grants.approve(grant())
        const second = grant({ subject: bob, granted: ofNotes("everything") })
        expect(yield* grants.approve(second)).toEqual({ alreadyDecided: "Approved" })
        expect(yield* grants.find(grantId(1))).toEqual(Option.some(grant()))
      })
    )

    it.effect("a second approval returns that the first grant is active", () =>
      Effect.gen(function* () {
        const { grants } = yield* active
        expect(yield* grants.approve(grant())).toEqual({ alreadyDecided: "Active" })
      })
    )

    it.effect("a second approval returns that the first grant is revoked, and it stays revoked", () =>
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
    it.effect("a redemption spends the code and returns the grant as it is stored now", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        const chain = {
          generation: 1,
          digest: token(1),
          key: "lk_ck_sealed",
          rotatedAt: at(second),
          rotatedFrom: Option.none(),
          burst: Option.none()
        }
        const expected = Grant.Grant.Active({
          terms: grant.terms,
          code: grant.code,
          redeemedAt: at(second),
          redeemedFrom: home,
          chain: Option.map(redemption(grant).chain, ({ idleExpiresAt }) => ({ ...chain, idleExpiresAt }))
        })
        const answer = yield* grants.redeem(redemption(grant))
        expect(answer).toEqual(Grant.RedemptionAnswer.Redeemed({ grant: expected }))
        expect(yield* grants.find(grant.terms.id)).toEqual(Option.some(expected))
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toEqual(Option.some(expected))
      })
    )

    it.effect("a redemption without a refresh token begins no chain", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        const answer = yield* grants.redeem(redemption(grant, { chain: Option.none() }))
        expect(answer).toMatchObject({ _tag: "Redeemed", grant: { chain: Option.none() } })
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toMatchObject({
          value: { chain: Option.none() }
        })
      })
    )

    it.effect("a redemption without a redirect URI is accepted", () =>
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

    it.effect.each(strangers)("a redemption by %s changes nothing, whatever the verifier", ([, changes]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect(yield* grants.redeem(redemption(grant, changes))).toEqual(Unknown())
        expect(yield* grants.redeem(redemption(grant, { ...changes, challenge: wrongChallenge }))).toEqual(Unknown())
        expect(yield* grants.find(grant.terms.id)).toEqual(Option.some(grant))
        expect((yield* grants.redeem(redemption(grant)))._tag).toBe("Redeemed")
      })
    )

    it.effect.each(strangers)("a second redemption by %s is no replay", ([, changes]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        expect(yield* grants.redeem(redemption(grant, { ...changes, now: at(10 * second) }))).toEqual(Unknown())
      })
    )

    it.effect(
      "a second redemption with a wrong verifier is no replay, because a thief of the code does not know the verifier",
      () =>
        Effect.gen(function* () {
          const { grant, grants } = yield* active
          const before = yield* grants.find(grant.terms.id)
          const late = redemption(grant, { challenge: wrongChallenge, now: at(10 * second) })
          expect(yield* grants.redeem(late)).toEqual(Unknown())
          expect(yield* grants.find(grant.terms.id)).toEqual(before)
        })
    )

    it.effect("a wrong verifier of the right client spends the code and revokes the grant", () =>
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
    ] as const)("a redemption %i ms after the approval is %s", ([millis, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect((yield* grants.redeem(redemption(grant, { now: at(millis) })))._tag).toBe(expected)
        const { _tag } = Option.getOrThrow(yield* grants.find(grant.terms.id))
        expect(_tag).toBe(expected === "Redeemed" ? "Active" : "Approved")
      })
    )

    it.effect("an expired code with a wrong verifier is expired and revokes nothing", () =>
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
      "with a window of %i ms a second redemption %i ms after the first changes nothing",
      ([window, later, expected]) =>
        Effect.gen(function* () {
          const { grant, grants } = yield* active
          const before = yield* grants.find(grant.terms.id)
          const again = redemption(grant, { now: at(second + later), duplicateWindow: Duration.millis(window) })
          expect(yield* grants.redeem(again)).toEqual(expected)
          expect(yield* grants.find(grant.terms.id)).toEqual(before)
        })
    )

    it.effect("a second redemption is a replay, even if the grant was revoked in between", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.revoke(grant.terms.id, "RefreshTokenReplayed", at(2 * second))
        expect(yield* grants.redeem(redemption(grant, { now: at(10 * second) }))).toEqual(Replayed())
      })
    )

    it.effect.each(epochRaisers)("a code cannot be redeemed after the epoch of the %s was raised", ([, raise]) =>
      Effect.gen(function* () {
        const given = yield* approved
        yield* raise(given)
        expect(yield* given.grants.redeem(redemption(given.grant))).toEqual(Unknown())
        const wrong = redemption(given.grant, { challenge: wrongChallenge })
        expect(yield* given.grants.redeem(wrong)).toEqual(Unknown())
        expect(yield* given.grants.find(given.grant.terms.id)).toEqual(Option.some(given.grant))
      })
    )

    it.effect("a code of a subject without an account is redeemed under epoch 0", () =>
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
    ] as const)("a code cannot be redeemed if the %s of the grant does not exist", ([, changes]) =>
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

    it.effect("a code cannot be redeemed without a consent", () =>
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
