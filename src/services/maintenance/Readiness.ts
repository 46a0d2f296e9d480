/**
 * Checks whether this process can do its work: its store answers and its writes are durable, its keys open texts that they
 * sealed, and its clock agrees with the clock that the nodes share. Each outage of the store is logged with one ERROR when
 * it begins and one line when it ends, if it ends while the process lives. A request that is refused meanwhile is logged
 * without a stack (`http/wire/Endpoint`).
 */
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

/** Interval between two checks of a store during an outage. */
const interval = Duration.seconds(1)

/** The event that ends an outage, in words. */
const untilText = {
  Write: "a write succeeds",
  Restart: "this server is restarted"
} as const satisfies Record<Outage["lastsUntil"], string>

const logBegin = ({ code, lastsUntil, message, remedy }: Outage) =>
  Effect.annotateLogs(Effect.logError("database failed, server is not ready"), {
    code,
    message,
    remedy,
    readyWhen: untilText[lastsUntil]
  })

/** Logs each outage of the store when it begins and when it is over, for as long as the layer lives. */
export const layerOutageLog = Layer.scopedDiscard(
  Effect.gen(function* () {
    const { check, outage } = yield* Storage
    /** Waits until the outage is over. An outage that a write can end may turn into one that only a restart can end. */
    const untilOver = (logged: Outage): Effect.Effect<void> =>
      Effect.catchAll(Effect.delay(check, interval), () =>
        outage.pipe(
          Effect.timeoutTo({ duration: interval, onSuccess: (now) => now, onTimeout: () => logged }),
          Effect.tap((now) => (now.lastsUntil === logged.lastsUntil ? Effect.void : logBegin(now))),
          Effect.flatMap(untilOver)
        )
      )
    yield* Effect.flatMap(Effect.tap(outage, logBegin), untilOver).pipe(
      // A warning, not information: an operator who filters out information would think that the outage goes on.
      Effect.zipRight(Effect.logWarning("database stores writes again")),
      Effect.forever,
      Effect.forkScoped
    )
  })
)
