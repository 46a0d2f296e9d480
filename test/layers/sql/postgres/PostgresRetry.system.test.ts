/** Statements that the server committed and whose answer was lost. */
import { describe, expect, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as PostgresStorage from "../../../../src/layers/PostgresStorage.js"
import {
  active,
  approved,
  at,
  grant,
  introduce,
  redemption,
  refreshed,
  rotation,
  second,
  token
} from "../../../../src/testing/contracts/fixtures.js"
import * as Nodes from "../../../../src/testing/contracts/Nodes.js"
import * as Postgres from "../../../support/Postgres.js"
import * as Relay from "../../../support/Relay.js"

class Wire extends Context.Tag("latchkey/test/Wire")<Wire, Relay.Relay>() {}

/** A storage behind a relay. */
const relayed = Layer.unwrapScoped(
  Effect.gen(function* () {
    const relay = yield* Relay.to(yield* Postgres.database)
    const store = PostgresStorage.layer({ url: relay.url, masterKey: Redacted.make(new Uint8Array(32)) })
    return Layer.merge(Nodes.one(store), Layer.succeed(Wire, relay))
  })
)

/** The result of an effect, and functions that lose answers and count them. */
const given = <A, E, R>(what: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const relay = yield* Wire
    const before = relay.lost()
    return { ...(yield* what), loseAnswers: relay.loseAnswers, lost: () => relay.lost() - before }
  })

const unavailable = { _tag: "TemporarilyUnavailable", reason: "StoreFailed" }

describe.skipIf(Postgres.missing)(Postgres.named("on PostgreSQL"), () => {
  layer(relayed)("when the answer is lost", (it) => {
    it.effect.each([1, 2])(
      "a rotation whose answer is lost %i times succeeds, and its successor is the only valid token",
      (count) =>
        Effect.gen(function* () {
          const { grant, grants, loseAnswers, lost } = yield* given(active)
          loseAnswers("update grants", count)
          expect(yield* grants.rotate(rotation(grant, 1, second))).toMatchObject({
            _tag: "Retried",
            grant: { chain: { value: { generation: 2, digest: token(2) } } }
          })
          expect(lost()).toBe(count)
          expect(yield* grants.find(grant.terms.id)).toMatchObject({ value: { chain: { value: { generation: 2 } } } })
          expect((yield* grants.rotate(rotation(grant, 2, second)))._tag).toBe("Rotated")
        })
    )

    it.effect("a rotation without a retry window is not retried and is no replay", () =>
      Effect.gen(function* () {
        const { grant, grants, loseAnswers, lost } = yield* given(active)
        loseAnswers("update grants", 1)
        const strict = rotation(grant, 1, second, { retryWindow: Duration.zero })
        expect(yield* Effect.flip(grants.rotate(strict))).toMatchObject(unavailable)
        expect(lost()).toBe(1)
        expect(yield* grants.find(grant.terms.id)).toMatchObject({
          value: { _tag: "Active", chain: { value: { generation: 2 } } }
        })
      })
    )

    it.effect("an approval whose answer is lost returns that it was approved before", () =>
      Effect.gen(function* () {
        const { grants, loseAnswers, lost } = yield* given(Effect.tap(Nodes.fresh, introduce))
        loseAnswers("insert into grants", 1)
        expect(yield* grants.approve(grant())).toEqual({ alreadyDecided: "Approved" })
        expect(lost()).toBe(1)
        expect((yield* grants.redeem(redemption(grant())))._tag).toBe("Redeemed")
      })
    )

    it.effect("a revocation whose answer is lost is stored with its reason", () =>
      Effect.gen(function* () {
        const { grant, grants, loseAnswers, lost } = yield* given(refreshed(second))
        loseAnswers("update grants", 1)
        expect(yield* grants.revoke(grant.terms.id, "TokenRevoked", at(second))).toBe(false)
        expect(lost()).toBe(1)
        expect(yield* grants.find(grant.terms.id)).toMatchObject({ value: { _tag: "Revoked", reason: "TokenRevoked" } })
      })
    )

    it.effect("a redemption whose answer is lost is not retried, and the code is spent", () =>
      Effect.gen(function* () {
        const { grant, grants, loseAnswers, lost } = yield* given(approved)
        loseAnswers("update grants", 1)
        expect(yield* Effect.flip(grants.redeem(redemption(grant)))).toMatchObject(unavailable)
        expect(lost()).toBe(1)
        expect(yield* grants.findActive(grant.terms.id, at(second), Option.none())).toMatchObject({ _tag: "Some" })
        expect((yield* grants.redeem(redemption(grant)))._tag).toBe("Duplicate")
        expect((yield* grants.redeem(redemption(grant, { now: at(10 * second) })))._tag).toBe("Replayed")
      })
    )

    it.effect("a statement whose answers are all lost fails in the end, and the next statement succeeds", () =>
      Effect.gen(function* () {
        const { grant, grants, loseAnswers, lost } = yield* given(active)
        loseAnswers("grants", Number.POSITIVE_INFINITY)
        expect(yield* Effect.flip(grants.rotate(rotation(grant, 1, second)))).toMatchObject(unavailable)
        expect(lost()).toBe(3)
        loseAnswers("", 0)
        expect((yield* grants.rotate(rotation(grant, 1, second)))._tag).toBe("Retried")
        expect((yield* grants.rotate(rotation(grant, 2, second)))._tag).toBe("Rotated")
      })
    )
  })
})
