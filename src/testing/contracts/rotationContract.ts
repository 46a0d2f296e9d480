/** The promises of every `GrantStore` about refresh tokens. */
import { expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import * as Grant from "../../domain/Grant.js"
import {
  active,
  approved,
  at,
  day,
  digest,
  epochRaisers,
  grantEnds,
  grantId,
  home,
  idle,
  redemption,
  refreshed,
  rotation,
  second,
  token,
  window
} from "./fixtures.js"
import type { StoreTest } from "./Nodes.js"

const { Ahead, Expired, Revoked, Unknown } = Grant.RotationAnswer
const Replayed = () => Grant.RotationAnswer.Replayed({ elsewhere: false })

/** The chain in the row of a grant. */
const chainOf = (answer: Option.Option<Grant.Grant>) =>
  Option.getOrThrow(Option.flatMap(Option.filter(answer, Grant.isRefreshable), ({ chain }) => chain))

export const rotateContract = (it: StoreTest) =>
  describe("rotate", () => {
    it.effect("a rotation replaces the current token by its successor and returns the grant as it is stored now", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const answer = yield* grants.rotate(rotation(grant, 1, day))
        const found = yield* grants.find(grant.terms.id)
        expect(answer).toEqual(Grant.RotationAnswer.Rotated({ grant: Option.getOrThrow(found) as Grant.Refreshable }))
        expect(found).toMatchObject({ value: { terms: grant.terms, code: grant.code, redeemedAt: at(second) } })
        expect(chainOf(found)).toEqual({
          generation: 2,
          digest: token(2),
          key: "lk_ck_sealed",
          rotatedAt: at(day),
          rotatedFrom: home,
          burst: Option.some({ generation: 1, beganAt: at(day), beganFrom: home }),
          idleExpiresAt: at(day + idle)
        })
      })
    )

    it.effect("a chain is rotated again and again while the grant lives", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        for (let generation = 1; generation <= 17; generation++) {
          const answer = yield* grants.rotate(rotation(grant, generation, generation * 10 * day))
          expect(answer).toMatchObject({ _tag: "Rotated", grant: { chain: { value: { generation: generation + 1 } } } })
        }
      })
    )

    it.effect("a rotation is unknown for an unknown grant and for a token that is not the current one", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const before = yield* grants.find(grant.terms.id)
        expect(yield* grants.rotate(rotation(grant, 1, second, { grantId: grantId(2) }))).toEqual(Unknown())
        expect(yield* grants.rotate(rotation(grant, 1, second, { digest: digest("guess") }))).toEqual(Unknown())
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("a rotation is unknown before the code is redeemed", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect(yield* grants.rotate(rotation(grant, 1, second))).toEqual(Unknown())
        expect(yield* grants.find(grant.terms.id)).toEqual(Option.some(grant))
      })
    )

    it.effect("a rotation is unknown for a grant without refresh tokens", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        yield* grants.redeem(redemption(grant, { chain: Option.none() }))
        expect(yield* grants.rotate(rotation(grant, 1, second))).toEqual(Unknown())
      })
    )

    it.effect("a token that is newer than the row shows that writes were lost", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const before = yield* grants.find(grant.terms.id)
        expect(yield* grants.rotate(rotation(grant, 2, second))).toEqual(Ahead())
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("the current token with another number is not accepted", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day)
        const before = yield* grants.find(grant.terms.id)
        const misnumbered = (generation: number) => rotation(grant, generation, 2 * day, { digest: token(2) })
        expect(yield* grants.rotate(misnumbered(3))).toEqual(Ahead())
        expect(yield* grants.rotate(misnumbered(1))).toEqual(Replayed())
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("every token of a revoked grant is answered with Revoked", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(second)
        yield* grants.revoke(grant.terms.id, "ClientRevoked", at(second))
        for (const generation of [1, 2, 3]) {
          expect(yield* grants.rotate(rotation(grant, generation, second))).toEqual(Revoked())
        }
      })
    )

    it.effect.each(epochRaisers)(
      "neither the current token nor its predecessor is valid after the epoch of the %s was raised",
      ([, raise]) =>
        Effect.gen(function* () {
          const given = yield* refreshed(second)
          const before = yield* given.grants.find(given.grant.terms.id)
          yield* raise(given)
          expect(yield* given.grants.rotate(rotation(given.grant, 2, second))).toEqual(Revoked())
          expect(yield* given.grants.rotate(rotation(given.grant, 1, second))).toEqual(Revoked())
          expect(yield* given.grants.find(given.grant.terms.id)).toEqual(before)
        })
    )

    it.effect.each([
      [idle - 1, "Rotated"],
      [idle, "Expired"],
      [idle + 1, "Expired"]
    ] as const)("the rotation of a token that was unused for %i ms is %s", ([millis, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const before = yield* grants.find(grant.terms.id)
        expect((yield* grants.rotate(rotation(grant, 1, millis)))._tag).toBe(expected)
        if (expected === "Expired") expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect.each([
      [grantEnds - 1, "Rotated"],
      [grantEnds, "Expired"],
      [grantEnds + 1, "Expired"]
    ] as const)("the rotation of a grant that is %i ms old is %s, whenever it was used last", ([millis, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.rotate(rotation(grant, 1, second, { idleExpiresAt: at(2 * grantEnds) }))
        expect((yield* grants.rotate(rotation(grant, 2, millis)))._tag).toBe(expected)
      })
    )

    it.effect("superseded and newer tokens of an expired grant are expired too", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(second)
        for (const generation of [1, 3]) {
          expect(yield* grants.rotate(rotation(grant, generation, second + idle))).toEqual(Expired())
        }
      })
    )
  })

export const retryContract = (it: StoreTest) =>
  describe("a superseded token", () => {
    it.effect("a token that was superseded a moment ago gets the current one and changes nothing", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day)
        const before = Option.getOrThrow(yield* grants.find(grant.terms.id)) as Grant.Refreshable
        const answer = yield* grants.rotate(rotation(grant, 1, day + second, { idleExpiresAt: at(100 * day) }))
        expect(answer).toEqual(Grant.RotationAnswer.Retried({ grant: before, elsewhere: false }))
        expect(yield* grants.find(grant.terms.id)).toEqual(Option.some(before))
      })
    )

    it.effect.each([
      [window, window - 1, "Retried"],
      [window, window, "Replayed"],
      [window, window + 1, "Replayed"],
      [window, -1, "Retried"],
      [0, 0, "Replayed"],
      [0, -1, "Replayed"]
    ] as const)(
      "with a window of %i ms a superseded token, %i ms after the rotation, is %s",
      ([retryWindow, later, expected]) =>
        Effect.gen(function* () {
          const { grant, grants } = yield* refreshed(day)
          const before = yield* grants.find(grant.terms.id)
          const again = rotation(grant, 1, day + later, { retryWindow: Duration.millis(retryWindow) })
          expect((yield* grants.rotate(again))._tag).toBe(expected)
          expect(yield* grants.find(grant.terms.id)).toEqual(before)
        })
    )

    it.effect("a retry does not extend the window", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day)
        expect((yield* grants.rotate(rotation(grant, 1, day + window - 1)))._tag).toBe("Retried")
        expect(yield* grants.rotate(rotation(grant, 1, day + window))).toEqual(Replayed())
      })
    )

    it.effect("a token from before the current burst is a replay, unless it precedes the current token", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day, 2 * day)
        expect(yield* grants.rotate(rotation(grant, 1, 2 * day))).toEqual(Replayed())
        expect((yield* grants.rotate(rotation(grant, 2, 2 * day)))._tag).toBe("Retried")
      })
    )

    // Three rotations within one window: 1 -> 2 at 0 s, 2 -> 3 at 10 s, 3 -> 4 at 20 s, a day after the approval.
    it.effect.each([
      [1, window - 1, "Retried"],
      [2, window - 1, "Retried"],
      [3, window - 1, "Retried"],
      [1, window, "Replayed"],
      [2, window, "Replayed"],
      [3, window, "Retried"],
      [3, window + 20 * second - 1, "Retried"],
      [3, window + 20 * second, "Replayed"]
    ] as const)("token %i of a burst, %i ms after its begin, is %s", ([generation, later, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day, day + 10 * second, day + 20 * second)
        const answer = yield* grants.rotate(rotation(grant, generation, day + later))
        expect(answer._tag).toBe(expected)
        if (answer._tag === "Retried")
          expect(answer.grant.chain.value).toMatchObject({ generation: 4, digest: token(4) })
      })
    )

    it.effect.each([
      [window - 1, 1],
      [window, 2],
      [window + 1, 2]
    ] as const)("if the next rotation comes after %i ms, the burst begins with token %i", ([later, generation]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day, day + later)
        const began = generation === 1 ? day : day + later
        const { burst } = chainOf(yield* grants.find(grant.terms.id))
        expect(burst).toMatchObject({ value: { generation, beganAt: at(began) } })
        expect((yield* grants.rotate(rotation(grant, 1, day + later)))._tag).toBe(
          generation === 1 ? "Retried" : "Replayed"
        )
      })
    )

    it.effect("a burst never has two tokens if the window is 0", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const strict = { retryWindow: Duration.zero }
        // Also if the clock of another node is slow.
        for (const generation of [1, 2, 3]) yield* grants.rotate(rotation(grant, generation, day - generation, strict))
        expect(chainOf(yield* grants.find(grant.terms.id)).burst).toMatchObject({
          value: { generation: 3, beganAt: at(day - 3) }
        })
        for (const generation of [1, 2, 3]) {
          expect(yield* grants.rotate(rotation(grant, generation, day, strict))).toEqual(Replayed())
        }
      })
    )

    it.effect("a superseded token is recognised over 64 rotations and not over 65", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(...Array.from({ length: 64 }, () => day))
        expect(yield* grants.rotate(rotation(grant, 1, day))).toMatchObject({
          _tag: "Retried",
          grant: { chain: { value: { generation: 65 } } }
        })
        yield* grants.rotate(rotation(grant, 65, day))
        expect(yield* grants.rotate(rotation(grant, 1, day))).toEqual(Replayed())
        expect((yield* grants.rotate(rotation(grant, 2, day)))._tag).toBe("Retried")
      })
    )
  })
