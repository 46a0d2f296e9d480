/**
 * Whether this process can do its work: its store answers, and keeps what is written, its keys open what they sealed, and
 * its clock agrees with the one that the nodes share. Each outage of the store has one ERROR at its beginning and one line at
 * its end, if it ends while the process lives. A request that is refused meanwhile has a line without a stack (`http/Endpoint`).
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { type Kind, Seals } from "../keys/Seals.js"
import { KeyStore } from "../stores/KeyStore.js"
import { type Outage, Storage } from "../stores/Storage.js"
import * as ClockCheck from "./ClockCheck.js"

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
  const { check, clock } = yield* Storage

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

/** When the store is ready again, in words. */
const untilText = {
  Write: "a write succeeds",
  Restart: "this server is restarted"
} as const satisfies Record<Outage["lastsUntil"], string>

const logBeginning = ({ code, lastsUntil, message, remedy }: Outage) =>
  Effect.annotateLogs(
    Effect.logError(
      `a statement failed because of the database (${code}): ${remedy}. Not ready until ${untilText[lastsUntil]}`
    ),
    { code, message }
  )

/** Logs each outage of the store, once when it begins and once when it is over, for as long as the layer lives. */
export const layerWatch = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { check, outage } = yield* Storage
    /** Waits until the outage is over; one that a write ends may become one that only a restart does. */
    const untilOver = (told: Outage): Effect.Effect<void> =>
      Effect.catchAll(Effect.delay(check, interval), () =>
        outage.pipe(
          Effect.timeoutTo({ duration: interval, onSuccess: (now) => now, onTimeout: () => told }),
          Effect.tap((now) => (now.lastsUntil === told.lastsUntil ? Effect.void : logBeginning(now))),
          Effect.flatMap(untilOver)
        )
      )
    yield* Effect.flatMap(Effect.tap(outage, logBeginning), untilOver).pipe(
      // At a level that whoever sees errors sees too: else the outage would seem to go on.
      Effect.zipRight(Effect.logWarning("the database stores what is written again")),
      Effect.forever,
      // A disk is full in real time, whatever clock is provided.
      Effect.withClock(Clock.make()),
      Effect.forkScoped
    )
  })
)
