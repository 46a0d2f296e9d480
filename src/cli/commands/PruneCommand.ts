/** `latchkey client prune`: deletes clients that registered themselves and are not used. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usePrecision } from "../../domain/Client.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Lifetimes } from "../../domain/Settings.js"
import * as ExpiryCutoffs from "../../services/maintenance/ExpiryCutoffs.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Batches from "../../services/stores/Batches.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as WithServices from "./WithServices.js"

const options = {
  unusedFor: Options.text("unused-for").pipe(
    Options.withPseudoName("DURATION"),
    Options.withDescription(
      'Time without use, such as "7 days" or 7d; at least an hour; at least 2 days for clients that were used. If not given, the times after which a server deletes them.'
    ),
    Options.optional
  ),
  dryRun: Options.boolean("dry-run").pipe(Options.withDescription("Counts the clients and deletes none.")),
  json: Options.boolean("json").pipe(Options.withDescription("Prints the counts as JSON.")),
  ...ServerOptions.forCommand
}

const units: Readonly<Record<string, string>> = { h: "hours", d: "days", w: "weeks" }

/** Minimum time without use: a person whose app has just registered may still be at the login page. */
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

/** Minimum time without use of clients that were used: a use is stored once a day at most. */
const longAgo = Duration.times(usePrecision, 2)

/** Latest times of registration, and of the last use, of the clients that are deleted. */
interface Cutoffs {
  readonly neverUsed: DateTime.Utc
  readonly idle: DateTime.Utc
}

interface Counts {
  readonly neverUsed: number
  readonly idle: number
  /** Whether there are more clients than one run deletes. */
  readonly more: boolean
}

/** WithServices a running server requests go in between; each batch is one short statement. */
const pace = { size: 50, most: 2_000, rest: Duration.millis(10) }

const count = ({ idle, neverUsed }: Cutoffs): Effect.Effect<Counts, TemporarilyUnavailable, ClientStore> =>
  Effect.gen(function* () {
    const clients = yield* ClientStore
    return { neverUsed: yield* clients.countUnused(neverUsed), idle: yield* clients.countIdle(idle), more: false }
  })

/** Without a time of the operator's own, the same clients as upkeep would delete. */
const cutoffsOf = (age: Option.Option<Duration.Duration>, lifetimes: Lifetimes, now: DateTime.Utc): Cutoffs =>
  Option.match(age, {
    onNone: () => {
      const { abandonedClients, clients } = ExpiryCutoffs.at(now, lifetimes)
      return { neverUsed: clients, idle: abandonedClients }
    },
    onSome: (age) => ({
      neverUsed: DateTime.subtractDuration(now, age),
      idle: DateTime.subtractDuration(now, Duration.max(age, longAgo))
    })
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
  if (total === 0) return "No client that registered itself was unused for this time"
  const clients = total === 1 ? "1 client that registered itself" : `${total} clients that registered themselves`
  return [
    `${isDry ? "Would delete" : "Deleted"} ${clients}`,
    Output.table([
      [String(neverUsed), `never used, registered before ${Output.instant(cutoffs.neverUsed)}`],
      [String(idle), `last used before ${Output.instant(cutoffs.idle)}, without a grant or consent`]
    ]),
    ...(more ? ["More clients are left: run the command again"] : [])
  ].join("\n\n")
}

export const prune = Command.make("prune", options, ({ dryRun, json, unusedFor, ...given }) =>
  Effect.gen(function* () {
    const age = yield* Effect.transposeMapOption(unusedFor, readDuration)
    yield* WithServices.onExisting(given, () =>
      Effect.gen(function* () {
        const { lifetimes } = yield* ServerSettings
        const cutoffs = cutoffsOf(age, lifetimes, yield* DateTime.now)
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
    "Deletes clients that registered themselves and were never used, and those that were not used for the given time and have no grant or consent. It may run beside a server."
  )
)
