/** `latchkey client prune`: deletes clients that registered themselves and that nobody uses. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usePrecision } from "../domain/Client.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as Batches from "../services/Batches.js"
import { ClientStore } from "../services/ClientStore.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Beside from "./Beside.js"
import { badUsage, type Failure } from "./Failure.js"
import * as Output from "./Output.js"
import * as ServerOptions from "./ServerOptions.js"

const options = {
  unusedFor: Options.text("unused-for").pipe(
    Options.withPseudoName("DURATION"),
    Options.withDescription(
      'For how long nobody has used them, such as "7 days" or 7d; at least an hour. If not given, the times after which a server deletes them by itself.'
    ),
    Options.optional
  ),
  dryRun: Options.boolean("dry-run").pipe(Options.withDescription("Only counts them.")),
  json: Options.boolean("json").pipe(Options.withDescription("Prints the counts as JSON.")),
  ...ServerOptions.forCommand
}

const units: Readonly<Record<string, string>> = { h: "hours", d: "days", w: "weeks" }

/** A person who has just registered an app may be at the login page: within an hour nothing is unused. */
const shortest = Duration.hours(1)

const readDuration = (text: string): Effect.Effect<Duration.Duration, Failure> =>
  Option.match(
    Option.filter(
      Duration.decodeUnknown(text.trim().replace(/^([0-9]+) ?([hdw])$/, (_, n, unit) => `${n} ${units[unit]}`)),
      (duration) => Duration.isFinite(duration) && Duration.greaterThanOrEqualTo(duration, shortest)
    ),
    {
      onNone: () => badUsage('--unused-for: give a duration of at least an hour, such as "7 days" or 7d'),
      onSome: Effect.succeed
    }
  )

/** The use of a client is stored to within a day: what was stored two days ago was not used for one. */
const longAgo = Duration.times(usePrecision, 2)

/** Before when clients must have registered, or have been used for the last time. */
interface Cutoffs {
  readonly neverUsed: DateTime.Utc
  readonly idle: DateTime.Utc
}

interface Counts {
  readonly neverUsed: number
  readonly idle: number
  /** Whether there are more than one run deletes. */
  readonly more: boolean
}

/** Beside a running server requests go in between; each batch is one short statement. */
const pace = { size: 50, most: 2_000, rest: Duration.millis(10) }

const count = ({ idle, neverUsed }: Cutoffs): Effect.Effect<Counts, TemporarilyUnavailable, ClientStore> =>
  Effect.gen(function* () {
    const clients = yield* ClientStore
    return { neverUsed: yield* clients.countUnused(neverUsed), idle: yield* clients.countIdle(idle), more: false }
  })

const remove = ({ idle, neverUsed }: Cutoffs): Effect.Effect<Counts, TemporarilyUnavailable, ClientStore> =>
  Effect.gen(function* () {
    const clients = yield* ClientStore
    const first = yield* Batches.drain((limit) => clients.removeUnused(neverUsed, limit))
    const second = yield* Batches.drain((limit) => clients.removeIdle(idle, limit))
    return {
      neverUsed: first.count,
      idle: second.count,
      more: Option.isSome(first.next) || Option.isSome(second.next)
    }
  }).pipe(Effect.provideService(Batches.BatchPace, pace))

const describe = (isDry: boolean, cutoffs: Cutoffs, { idle, more, neverUsed }: Counts): string => {
  const total = neverUsed + idle
  if (total === 0) return "No client that registered itself has been unused for so long"
  const clients = total === 1 ? "1 client that registered itself" : `${total} clients that registered themselves`
  return [
    `${isDry ? "Would delete" : "Deleted"} ${clients}`,
    Output.table([
      [String(neverUsed), `never used, registered before ${Output.instant(cutoffs.neverUsed)}`],
      [String(idle), `last used before ${Output.instant(cutoffs.idle)}, without a grant or consent of anybody`]
    ]),
    ...(more ? ["There are more: run it again"] : [])
  ].join("\n\n")
}

export const prune = Command.make("prune", options, ({ dryRun, json, unusedFor, ...given }) =>
  Effect.gen(function* () {
    const age = yield* Effect.transposeMapOption(unusedFor, readDuration)
    yield* Beside.onExisting(given, () =>
      Effect.gen(function* () {
        const { lifetimes } = yield* ServerSettings
        const now = yield* DateTime.now
        const before = (standard: Duration.Duration) =>
          DateTime.subtractDuration(
            now,
            Option.getOrElse(age, () => standard)
          )
        const cutoffs: Cutoffs = {
          neverUsed: before(lifetimes.unusedClient),
          idle: DateTime.min(before(lifetimes.abandonedClient), DateTime.subtractDuration(now, longAgo))
        }
        const counts = yield* dryRun ? count(cutoffs) : remove(cutoffs)
        yield* Output.print(
          json
            ? Output.toJson({ dry_run: dryRun, never_used: counts.neverUsed, idle: counts.idle, more: counts.more })
            : describe(dryRun, cutoffs, counts)
        )
      })
    )
  })
).pipe(
  Command.withDescription(
    "Deletes clients that registered themselves and were never used, or not for long and nobody holds a grant or consent of them. It may run beside a server."
  )
)
