/**
 * Whether this process can do its work: its store answers, and keeps what is written, its keys open what they sealed, and
 * its clock agrees with the one that the nodes share.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
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
