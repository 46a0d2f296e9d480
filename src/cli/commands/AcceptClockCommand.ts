/** `latchkey db accept-clock`: the operator has seen to the clock, and says that it is right. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Issuer } from "../../domain/Issuer.js"
import * as ClockCheck from "../../services/maintenance/ClockCheck.js"
import { HighWaterMark } from "../../services/stores/HighWaterMark.js"
import { Storage } from "../../services/stores/Storage.js"
import * as Database from "../settings/Database.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Refusals from "../terminal/Refusals.js"
import * as DatabaseCommands from "./DatabaseCommands.js"

const options = {
  json: Options.boolean("json").pipe(Options.withDescription("Prints it as JSON.")),
  ...ServerOptions.forCommand
}

const accept = (issuer: Issuer, now: DateTime.Utc) =>
  Effect.gen(function* () {
    const { clock, stores } = yield* Storage
    if (yield* ClockCheck.isOff(clock)) {
      return yield* impossible("this machine's clock is not the database's: set it, or say it where the clock is right")
    }
    yield* Context.get(stores(issuer), HighWaterMark).accept(now)
  })

export const acceptClock = Command.make("accept-clock", options, ({ json, ...given }) =>
  Effect.gen(function* () {
    const { database, issuer } = yield* ServerOptions.read(given)
    yield* DatabaseCommands.existing(given)
    const now = yield* DateTime.now
    yield* accept(issuer, now).pipe(
      Effect.provide(Database.layerFor(database, issuer, false)),
      Effect.catchTags(Refusals.ofDatabase)
    )
    yield* Output.print(
      json
        ? Output.toJson({ issuer, accepted: DateTime.formatIso(now) })
        : `The clock of ${issuer} is right, by your word: it is ${DateTime.formatIso(now)}`
    )
  })
).pipe(
  Command.withDescription(
    "Says that this machine's clock is right, after a start was refused because it went back, or upkeep waits because it jumped forward."
  )
)
