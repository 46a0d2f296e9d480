/** Random histories of one grant, compared with a model that has no rows, only the events and their times. */
import { expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { describe } from "vitest"
import type * as Grant from "../../domain/Grant.js"
import type { FromElsewhere } from "../../domain/NetworkTag.js"
import {
  abroad,
  at,
  codeEnds,
  epochRaisers,
  grant,
  grantEnds,
  home,
  inShort,
  introduce,
  otherApp,
  redemption,
  rotation,
  second,
  token,
  wrongChallenge
} from "../contracts/fixtures.js"
import { fresh, type Stores, type StoreTest } from "../contracts/Nodes.js"

const codeWindow = 2 * second
const idle = 100 * second

type Step = { readonly wait: number } & (
  | { readonly do: "approve" | "revoke" }
  | { readonly do: "redeem"; readonly as: "owner" | "stranger" | "wrong verifier"; readonly from: Place }
  /** Present the current refresh token, or one that is this many places before or after it. */
  | { readonly do: "rotate"; readonly place: number; readonly from: Place }
  | { readonly do: "raise"; readonly which: number }
)

/** A network. `undefined` is an unknown network. */
type Place = "home" | "abroad" | undefined

const networkOf = (place: Place): Grant.Rotation["network"] =>
  place === undefined ? Option.none() : place === "home" ? home : abroad

/** The settings of a history. */
interface Rules {
  /** In milliseconds. */
  readonly window: number
  readonly fromElsewhere: FromElsewhere
}

/** The events so far. */
interface History {
  now: number
  approved: boolean
  redeemedAt: number | undefined
  redeemedFrom: Place
  revoked: boolean
  raised: boolean
  /** The times when the refresh tokens were superseded, beginning with token 1. */
  readonly superseded: Array<{ readonly when: number; readonly from: Place }>
}

const current = (history: History) => history.superseded.length + 1

/** The answer to a second presentation within the window, which came from one network after others. */
const repeated = (
  answer: "Duplicate" | "Retried",
  from: Place,
  before: ReadonlyArray<Place>,
  { fromElsewhere }: Rules
) => {
  const isElsewhere = from !== undefined && before.every((place) => place !== undefined && place !== from)
  if (!isElsewhere) return answer
  return fromElsewhere === "Replay" ? "Replayed elsewhere" : `${answer} elsewhere`
}

const redeem = (history: History, { as, from }: Step & { readonly do: "redeem" }, rules: Rules): string => {
  if (!history.approved || as === "stranger") return "Unknown"
  if (history.redeemedAt !== undefined) {
    if (as === "wrong verifier") return "Unknown"
    if (history.now >= history.redeemedAt + codeWindow) return "Replayed"
    // A revoked grant stores no network.
    return repeated("Duplicate", from, [history.revoked ? undefined : history.redeemedFrom], rules)
  }
  if (history.revoked) return "Unknown"
  if (history.now >= codeEnds) return "Expired"
  if (history.raised) return "Unknown"
  if (as === "owner") Object.assign(history, { redeemedAt: history.now, redeemedFrom: from })
  else history.revoked = true
  return as === "owner" ? "Redeemed" : "WrongVerifier"
}

const rotate = (history: History, generation: number, from: Place, rules: Rules): string => {
  const { window } = rules
  if (!history.approved) return "Unknown"
  if (history.revoked || history.raised) return "Revoked"
  if (history.redeemedAt === undefined) return "Unknown"
  const { now, superseded } = history
  const last = superseded.at(-1)
  if (now >= grantEnds || now >= (last?.when ?? history.redeemedAt) + idle) return "Expired"
  if (generation > current(history)) return "Ahead"
  if (generation === current(history)) {
    superseded.push({ when: now, from })
    return "Rotated"
  }
  if (window === 0) return "Replayed"
  // The burst is the last group of rotations within one window of the first rotation of the group.
  let first = 0
  superseded.forEach(({ when }, i) => {
    if (when >= (superseded[first]?.when ?? 0) + window) first = i
  })
  const inBurst = generation > first && now < (superseded[first]?.when ?? 0) + window
  const isPredecessor = generation === current(history) - 1 && now < (last?.when ?? 0) + window
  if (!inBurst && !isPredecessor) return "Replayed"
  const [began, ended] = [superseded[first]?.from, last?.from]
  const known = generation === current(history) - 1 ? [ended] : generation === first + 1 ? [began] : [began, ended]
  return repeated("Retried", from, known, rules)
}

const stateOf = ({ approved, redeemedAt, revoked }: History): string | undefined =>
  approved ? (revoked ? "Revoked" : redeemedAt === undefined ? "Approved" : "Active") : undefined

const steps = (window: number) => {
  const around = (millis: number) => [millis - 1, millis, millis + 1]
  const wait = FastCheck.constantFrom(0, 0, 1, second, ...around(codeWindow), ...around(window), ...around(idle), -1)
  const places: ReadonlyArray<Place> = ["home", "home", "home", "abroad", undefined]
  const from = FastCheck.constantFrom(...places)
  const step = FastCheck.oneof(
    {
      weight: 1,
      arbitrary: FastCheck.record({ do: FastCheck.constantFrom("approve" as const, "revoke" as const), wait })
    },
    {
      weight: 2,
      arbitrary: FastCheck.record({
        do: FastCheck.constant("redeem" as const),
        as: FastCheck.constantFrom("owner" as const, "owner" as const, "stranger" as const, "wrong verifier" as const),
        from,
        wait
      })
    },
    {
      weight: 12,
      arbitrary: FastCheck.record({
        do: FastCheck.constant("rotate" as const),
        place: FastCheck.constantFrom(0, 0, 0, -1, -1, -2, -3, 1),
        from,
        wait
      })
    },
    {
      weight: 1,
      arbitrary: FastCheck.record({
        do: FastCheck.constant("raise" as const),
        which: FastCheck.nat(epochRaisers.length - 1),
        wait
      })
    }
  )
  return FastCheck.array(step, { maxLength: 30, size: "max" })
}

/** Runs a step and expects the answer of the model. */
const play = (history: History, step: Step, { clients, accounts, consents, grants }: Stores, rules: Rules) => {
  const now = at(history.now)
  switch (step.do) {
    case "approve":
      return Effect.map(grants.approve(grant()), (answer) => {
        expect(answer).toEqual(history.approved ? { alreadyDecided: stateOf(history) } : "Approved")
        history.approved = true
      })
    case "revoke":
      return Effect.map(grants.revoke(grant().terms.id, "Denied", now), (answer) => {
        expect(answer).toBe(history.approved && !history.revoked)
        history.revoked = history.approved
      })
    case "redeem": {
      const changes: Partial<Grant.Redemption> =
        step.as === "owner" ? {} : step.as === "stranger" ? { clientId: otherApp } : { challenge: wrongChallenge }
      const chain = Option.some({ digest: token(1), key: "lk_ck_sealed", idleExpiresAt: at(history.now + idle) })
      const duplicateWindow = Duration.millis(codeWindow)
      const given = { now, duplicateWindow, chain, network: networkOf(step.from), fromElsewhere: rules.fromElsewhere }
      return Effect.map(grants.redeem(redemption(grant(), { ...given, ...changes })), (answer) => {
        expect(inShort(answer)).toBe(redeem(history, step, rules))
      })
    }
    case "rotate": {
      const generation = Math.max(1, current(history) + step.place)
      const idleExpiresAt = at(history.now + idle)
      const retryWindow = Duration.millis(rules.window)
      const given = { network: networkOf(step.from), fromElsewhere: rules.fromElsewhere }
      const presented = rotation(grant(), generation, history.now, { idleExpiresAt, retryWindow, ...given })
      return Effect.map(grants.rotate(presented), (answer) => {
        expect(inShort(answer)).toBe(rotate(history, generation, step.from, rules))
        if (answer._tag !== "Rotated" && answer._tag !== "Retried") return
        const { digest, generation: kept } = answer.grant.chain.value
        expect({ digest, kept }).toEqual({ digest: token(current(history)), kept: current(history) })
      })
    }
    case "raise":
      history.raised = true
      return epochRaisers[step.which]?.[1]({ clients, accounts, consents } as Stores) ?? Effect.void
  }
}

export const historyContract = (it: StoreTest) =>
  describe.each([
    { window: 30 * second, fromElsewhere: "Allow" },
    { window: 30 * second, fromElsewhere: "Replay" },
    { window: 0, fromElsewhere: "Allow" }
  ] as const)("with a window of $window ms, and from elsewhere: $fromElsewhere", (rules) => {
    it.effect.prop(
      "any history ends as the model says",
      { steps: steps(rules.window) },
      ({ steps }) =>
        Effect.gen(function* () {
          const stores = yield* fresh
          yield* introduce(stores)
          const history: History = {
            now: 0,
            approved: false,
            redeemedAt: undefined,
            redeemedFrom: undefined,
            revoked: false,
            raised: false,
            superseded: []
          }
          // Most useful histories begin like this.
          const beginning: ReadonlyArray<Step> = [
            { do: "approve", wait: 0 },
            { do: "redeem", as: "owner", from: "home", wait: second }
          ]
          const whole = steps.length % 4 === 0 ? steps : [...beginning, ...steps]
          for (const [i, step] of whole.entries()) {
            history.now += step.wait
            yield* play(history, step, stores.nodes[i % stores.nodes.length] ?? stores, rules)
          }
          const found = yield* stores.grants.find(grant().terms.id)
          expect(Option.getOrUndefined(found)?._tag).toBe(stateOf(history))
          const isActive = stateOf(history) === "Active" && !history.raised && history.now < grantEnds
          expect(Option.isSome(yield* stores.grants.findActive(grant().terms.id, at(history.now), Option.none()))).toBe(
            isActive
          )
        }),
      { fastCheck: { numRuns: 60 } }
    )
  })
