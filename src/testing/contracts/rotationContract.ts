/** What every `GrantStore` promises of refresh tokens. */
import { expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import * as Grant from "../../domain/Grant.js"
import type { StoreTest } from "../Nodes.js"
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

const { Ahead, Expired, Revoked, Unknown } = Grant.RotationAnswer
const Replayed = () => Grant.RotationAnswer.Replayed({ elsewhere: false })

/** What a grant's row holds of its chain. */
const chainOf = (answer: Option.Option<Grant.Grant>) =>
  Option.getOrThrow(Option.flatMap(Option.filter(answer, Grant.isRefreshable), ({ chain }) => chain))

export const rotateContract = (it: StoreTest) =>
  describe("rotate", () => {
    it.effect(
      "puts the successor in the place of the current token, and answers with the grant as it is now kept",
      () =>
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

    it.effect("goes on for as long as the grant lives", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        for (let generation = 1; generation <= 17; generation++) {
          const answer = yield* grants.rotate(rotation(grant, generation, generation * 10 * day))
          expect(answer).toMatchObject({ _tag: "Rotated", grant: { chain: { value: { generation: generation + 1 } } } })
        }
      })
    )

    it.effect("does not know a grant that is not there, nor a token that is not the current one", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const before = yield* grants.find(grant.terms.id)
        expect(yield* grants.rotate(rotation(grant, 1, second, { grantId: grantId(2) }))).toEqual(Unknown())
        expect(yield* grants.rotate(rotation(grant, 1, second, { digest: digest("guess") }))).toEqual(Unknown())
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("does not know a token before the code is redeemed", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        expect(yield* grants.rotate(rotation(grant, 1, second))).toEqual(Unknown())
        expect(yield* grants.find(grant.terms.id)).toEqual(Option.some(grant))
      })
    )

    it.effect("does not know a token of a grant without refresh tokens", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        yield* grants.redeem(redemption(grant, { chain: Option.none() }))
        expect(yield* grants.rotate(rotation(grant, 1, second))).toEqual(Unknown())
      })
    )

    it.effect("says that writes were lost when the token is newer than the row", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const before = yield* grants.find(grant.terms.id)
        expect(yield* grants.rotate(rotation(grant, 2, second))).toEqual(Ahead())
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("takes no current token under another number", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day)
        const before = yield* grants.find(grant.terms.id)
        const misnumbered = (generation: number) => rotation(grant, generation, 2 * day, { digest: token(2) })
        expect(yield* grants.rotate(misnumbered(3))).toEqual(Ahead())
        expect(yield* grants.rotate(misnumbered(1))).toEqual(Replayed())
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("says that the grant is revoked, whichever of its tokens comes", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(second)
        yield* grants.revoke(grant.terms.id, "ClientRevoked", at(second))
        for (const generation of [1, 2, 3]) {
          expect(yield* grants.rotate(rotation(grant, generation, second))).toEqual(Revoked())
        }
      })
    )

    it.effect.each(epochRaisers)(
      "is over once the epoch of the %s was raised, for the current token and its predecessor",
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
    ] as const)("of a token that was not used for %i ms is %s", ([millis, expected]) =>
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
    ] as const)("of a grant that is %i ms old is %s, however lately it was used", ([millis, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        yield* grants.rotate(rotation(grant, 1, second, { idleExpiresAt: at(2 * grantEnds) }))
        expect((yield* grants.rotate(rotation(grant, 2, millis)))._tag).toBe(expected)
      })
    )

    it.effect("is expired for superseded and for newer tokens, too", () =>
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
    it.effect("of a moment ago gets the current one, and changes nothing", () =>
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
    ] as const)("in a window of %i ms, %i ms after the rotation, is %s", ([retryWindow, later, expected]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day)
        const before = yield* grants.find(grant.terms.id)
        const again = rotation(grant, 1, day + later, { retryWindow: Duration.millis(retryWindow) })
        expect((yield* grants.rotate(again))._tag).toBe(expected)
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("is not given more time by being retried", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshed(day)
        expect((yield* grants.rotate(rotation(grant, 1, day + window - 1)))._tag).toBe("Retried")
        expect(yield* grants.rotate(rotation(grant, 1, day + window))).toEqual(Replayed())
      })
    )

    it.effect("is a replay when it is older than the present burst and not the one before the current", () =>
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
    ] as const)("of a burst, number %i after %i ms, is %s", ([generation, later, expected]) =>
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
    ] as const)("when the next rotation comes after %i ms, the burst begins with number %i", ([later, generation]) =>
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

    it.effect("never has a burst of two where the window is 0", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const strict = { retryWindow: Duration.zero }
        // Not even when the clock of another node is behind.
        for (const generation of [1, 2, 3]) yield* grants.rotate(rotation(grant, generation, day - generation, strict))
        expect(chainOf(yield* grants.find(grant.terms.id)).burst).toMatchObject({
          value: { generation: 3, beganAt: at(day - 3) }
        })
        for (const generation of [1, 2, 3]) {
          expect(yield* grants.rotate(rotation(grant, generation, day, strict))).toEqual(Replayed())
        }
      })
    )

    it.effect("is found over 64 steps, and not over 65", () =>
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
