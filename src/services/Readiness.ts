/**
 * Whether this process can do its work: its store answers, and keeps what is written, its keys open what they sealed, and
 * its clock agrees with the one that the nodes share. While a store keeps nothing, the log has one line for the beginning and
 * one for the end, and not one for each request.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as ClockCheck from "./ClockCheck.js"
import { KeyStore } from "./KeyStore.js"
import { type Kind, Seals } from "./Seals.js"
import { Storage } from "./Storage.js"

export class Readiness extends Context.Tag("latchkey/Readiness")<
  Readiness,
  {
    /** Fails while the process is not ready, with the reason for the operator. */
    readonly check: Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

const kind: Kind = { purpose: "form", prefix: "lk_rd_" }

const notReady = (reason: TemporarilyUnavailable["reason"]) =>
  new TemporarilyUnavailable({ reason, description: "not ready" })

const make = Effect.gen(function* () {
  const keys = yield* KeyStore
  const seals = yield* Seals
  const { check = Effect.void, clock } = yield* Storage

  return Readiness.of({
    check: Effect.gen(function* () {
      yield* keys.list
      yield* check
      const opened = yield* seals.open(kind, yield* seals.seal(kind, new Uint8Array(1)))
      if (Option.isNone(opened)) return yield* notReady("KeysUnavailable")
      if (yield* ClockCheck.isOff(clock)) return yield* notReady("ClockOff")
    }).pipe(Effect.withSpan("Readiness.check"))
  })
})

export const layer = Layer.effect(Readiness, make)

/** Interval between two checks of a store that keeps nothing. */
const interval = Duration.seconds(1)

/** Logs each outage of the store, once when it begins and once when it is over, for as long as the layer lives. */
export const layerWatch = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { check = Effect.void, outage } = yield* Storage
    if (outage === undefined) return
    yield* Effect.gen(function* () {
      const { code, message, remedy } = yield* outage
      yield* Effect.annotateLogs(
        Effect.logError(`the database does not store what is written (${code}): ${remedy}. Not ready until it does`),
        { code, message }
      )
      yield* Effect.retry(Effect.delay(check, interval), Schedule.forever)
      // At a level that whoever sees errors sees too: else the outage would seem to go on.
      yield* Effect.logWarning("the database stores what is written again")
    }).pipe(
      Effect.forever,
      // A disk is full in real time, whatever clock is provided.
      Effect.withClock(Clock.make()),
      Effect.forkScoped
    )
  })
)
