/** The promises of every `GrantStore` about retries and duplicates from another network (ADR 29). */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import * as Grant from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import {
  abroad,
  active,
  approved,
  at,
  day,
  grant,
  home,
  inShort,
  redemption,
  rotation,
  second,
  thirdNetwork
} from "./fixtures.js"
import { crowds, race, type Stores, type StoreTest } from "./Nodes.js"

type Network = Grant.Rotation["network"]
type Present = (
  stores: Stores,
  network: Network
) => Effect.Effect<Grant.RedemptionAnswer | Grant.RotationAnswer, TemporarilyUnavailable>

const strict = { fromElsewhere: "Replay" as const }
const unknown: Network = Option.none()
const seconds = (count: number) => day + count * second

/** An issuer with a grant that was refreshed once from each of these networks, ten seconds apart, a day after the approval. */
const refreshedFrom = (...networks: ReadonlyArray<Network>) =>
  Effect.gen(function* () {
    const given = yield* active
    for (const [i, network] of networks.entries()) {
      yield* given.grants.rotate(rotation(given.grant, i + 1, seconds(10 * i), { network }))
    }
    return given
  })

export const networkContract = (it: StoreTest) => {
  describe.each(["Allow", "Replay"] as const)("with the policy %s for another network", (fromElsewhere) => {
    const expected = { Duplicate: "Duplicate elsewhere", Retried: "Retried elsewhere" } as const
    const elsewhere = (answer: keyof typeof expected) =>
      fromElsewhere === "Replay" ? "Replayed elsewhere" : expected[answer]

    it.effect.each([
      ["of one network", home, home, "Duplicate"],
      ["of two networks", home, abroad, elsewhere("Duplicate")],
      ["of an unknown network after a known one", home, unknown, "Duplicate"],
      ["of a known network after an unknown one", unknown, home, "Duplicate"]
    ] as const)("a code that is redeemed twice, %s, gets the right answer", ([, first, again, answer]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* approved
        yield* grants.redeem(redemption(grant, { network: first, fromElsewhere }))
        const before = yield* grants.find(grant.terms.id)
        expect(before).toMatchObject({ value: { redeemedFrom: first } })
        expect(inShort(yield* grants.redeem(redemption(grant, { network: again, fromElsewhere })))).toBe(answer)
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("a second redemption after the window is a replay from any network", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* active
        const late = redemption(grant, { network: abroad, fromElsewhere, now: at(10 * second) })
        expect(yield* grants.redeem(late)).toEqual(Grant.RedemptionAnswer.Replayed({ elsewhere: false }))
      })
    )

    const retries: ReadonlyArray<readonly [string, ReadonlyArray<Network>, number, Network, string]> = [
      ["the last rotation, from its network", [home], 1, home, "Retried"],
      ["the last rotation, from another network", [home], 1, abroad, elsewhere("Retried")],
      ["the last rotation, from an unknown network", [home], 1, unknown, "Retried"],
      ["the last rotation, whose network is unknown", [unknown], 1, home, "Retried"],
      ["the last rotation, from the network where the burst began", [home, abroad], 2, home, elsewhere("Retried")],
      ["the first rotation of a burst, from its network", [home, abroad], 1, home, "Retried"],
      ["the first rotation of a burst, from the network of the last", [home, abroad], 1, abroad, elsewhere("Retried")],
      ["a rotation in the middle of a burst, from the first network", [home, home, abroad], 2, home, "Retried"],
      ["a rotation in the middle of a burst, from the last network", [home, abroad, abroad], 2, abroad, "Retried"],
      ["a rotation in the middle of a burst, from neither", [home, home, home], 2, abroad, elsewhere("Retried")],
      ["a rotation in the middle, where one network is unknown", [unknown, home, home], 2, abroad, "Retried"]
    ]

    it.effect.each(retries)("a retry of %s gets the right answer", ([, networks, generation, network, answer]) =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshedFrom(...networks)
        const before = yield* grants.find(grant.terms.id)
        const again = rotation(grant, generation, seconds(25), { network, fromElsewhere })
        expect(inShort(yield* grants.rotate(again))).toBe(answer)
        expect(yield* grants.find(grant.terms.id)).toEqual(before)
      })
    )

    it.effect("a new burst begins with the network of its first rotation", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshedFrom(home)
        yield* grants.rotate(rotation(grant, 2, seconds(30), { network: abroad }))
        yield* grants.rotate(rotation(grant, 3, seconds(40), { network: thirdNetwork }))
        expect(yield* grants.find(grant.terms.id)).toMatchObject({
          value: { chain: { value: { rotatedFrom: thirdNetwork, burst: { value: { beganFrom: abroad } } } } }
        })
        expect(inShort(yield* grants.rotate(rotation(grant, 2, seconds(41), { network: abroad, fromElsewhere })))).toBe(
          "Retried"
        )
      })
    )

    it.effect("the current token is rotated from any network", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshedFrom(home)
        const moved = rotation(grant, 2, seconds(5), { network: abroad, fromElsewhere })
        expect((yield* grants.rotate(moved))._tag).toBe("Rotated")
      })
    )

    it.effect("a revoked grant keeps no network", () =>
      Effect.gen(function* () {
        const { grant, grants } = yield* refreshedFrom(home)
        yield* grants.revoke(grant.terms.id, "RefreshTokenReplayed", at(seconds(1)))
        const again = redemption(grant, { network: abroad, fromElsewhere })
        expect(inShort(yield* grants.redeem(again))).toBe("Duplicate")
      })
    )
  })

  describe.each(crowds)("of %i callers", (count) => {
    const presentations: ReadonlyArray<readonly [string, "Redeemed" | "Rotated", "Duplicate" | "Retried", Present]> = [
      [
        "redeem",
        "Redeemed",
        "Duplicate",
        ({ grants }, network) => grants.redeem(redemption(grant(), { network, ...strict }))
      ],
      [
        "refresh",
        "Rotated",
        "Retried",
        ({ grants }, network) => grants.rotate(rotation(grant(), 1, day, { network, ...strict }))
      ]
    ]
    const given = (first: string) => (first === "Redeemed" ? approved : active)

    it.effect.each(presentations)(
      "if all %s at once from one network, one wins and none is a replay",
      ([, first, again, present]) =>
        Effect.gen(function* () {
          const { nodes } = yield* given(first)
          const answers = yield* race(nodes, count, (stores) => present(stores, home))
          const expected = [...Array.from({ length: count - 1 }, () => again), first]
          expect(answers.map(inShort).sort()).toEqual(expected.sort())
        })
    )

    it.effect.each(presentations)(
      "if all %s at once, one of them from another network, one wins and those of the other network are replays",
      ([, first, again, present]) =>
        Effect.gen(function* () {
          const { nodes } = yield* given(first)
          const networkOf = (i: number) => (i === count >> 1 ? abroad : home)
          const answers = yield* race(nodes, count, (stores, i) => present(stores, networkOf(i)))
          const winner = answers.findIndex(({ _tag }) => _tag === first)
          const expected = answers.map((_, i) =>
            i === winner ? first : networkOf(i) === networkOf(winner) ? again : "Replayed elsewhere"
          )
          expect(answers.map(inShort)).toEqual(expected)
        })
    )
  })
}
