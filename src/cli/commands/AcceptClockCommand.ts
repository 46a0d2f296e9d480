/** `latchkey db accept-clock`: accepts the current time after the clock was wrong. */
import * as Command from "@effect/cli/Command"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../domain/Issuer.js"
import * as ClockCheck from "../../services/maintenance/ClockCheck.js"
import { HighWaterMark } from "../../services/stores/HighWaterMark.js"
import { Storage } from "../../services/stores/Storage.js"
import * as DatabaseLayer from "../settings/DatabaseLayer.js"
import * as Refusals from "../settings/Refusals.js"
import * as Target from "../settings/Target.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import { json } from "./CommandOptions.js"
import * as StoredDatabase from "./StoredDatabase.js"

const accept = (issuer: Issuer, now: DateTime.Utc) =>
  Effect.gen(function* () {
    const { clock, stores } = yield* Storage
    if (yield* ClockCheck.isOff(clock)) {
      return yield* impossible(
        "the clock of this machine differs from the clock of the database: set it, or run this command on a machine whose clock is right"
      )
    }
    yield* Context.get(stores(issuer), HighWaterMark).accept(now)
  })

export const acceptClock = Command.make("accept-clock", { json, ...Target.forCommand }, ({ json, ...flags }) =>
  Effect.gen(function* () {
    const target = yield* StoredDatabase.existing(flags)
    const { issuer } = target
    const now = yield* DateTime.now
    yield* accept(issuer, now).pipe(
      Effect.provide(DatabaseLayer.layerFor(target, false)),
      Effect.catchTags(Refusals.ofDatabase)
    )
    const accepted = DateTime.formatIso(now)
    yield* Output.result(json, { issuer, accepted }, `Accepted the current time ${accepted} for ${issuer}`)
  })
).pipe(
  Command.withDescription(
    "Accept the current time of this machine. Use it if the server does not start because the clock went back, or if maintenance waits because the clock jumped forward, and the clock is right now"
  )
)
