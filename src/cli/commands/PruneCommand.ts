/** `latchkey client prune`: deletes unused clients that registered themselves. */
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
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import { flag, parsed } from "./CommandOptions.js"
import * as WithServices from "./WithServices.js"

const units: Readonly<Record<string, string>> = { h: "hours", d: "days", w: "weeks" }

/** Minimum time without use: the user of an app that has just registered may still be at the login page. */
const minimum = Duration.hours(1)

const parseDuration = (text: string): Effect.Effect<Duration.Duration, Failure> =>
  Option.match(
    Option.filter(
      Duration.decodeUnknown(text.trim().replace(/^([0-9]+) ?([hdw])$/, (_, n, unit) => `${n} ${units[unit]}`)),
      (duration) => Duration.isFinite(duration) && Duration.greaterThanOrEqualTo(duration, minimum)
    ),
    {
      onNone: () => badUsage('--unused-for: give a duration of at least an hour, such as "7 days" or 7d'),
      onSome: Effect.succeed
    }
  )

const options = {
  unusedFor: parsed(
    "unused-for",
    "DURATION",
    'Minimum time without use, such as "7 days" or 7d; at least an hour, and at least 2 days for clients that were used (default: the times after which a server deletes them)',
    parseDuration
  ),
  dryRun: flag("dry-run", "Count the clients, and delete none"),
  json: flag("json", "Print the counts as JSON")
}

/** Minimum time without use of clients that were used: a use is stored at most once a day. */
const minimumIdle = Duration.times(usePrecision, 2)

/** Clients that registered, or were last used, before these times are deleted. */
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

/** Each batch is one short statement, so that the requests of a running server get through between two batches. */
const pace = { size: 50, maxBatches: 2_000, pause: Duration.millis(10) }

const count = ({ idle, neverUsed }: Cutoffs): Effect.Effect<Counts, TemporarilyUnavailable, ClientStore> =>
  Effect.gen(function* () {
    const clients = yield* ClientStore
    return { neverUsed: yield* clients.countUnused(neverUsed), idle: yield* clients.countIdle(idle), more: false }
  })

/** Without `--unused-for`, the same clients as maintenance deletes. */
const cutoffsOf = (age: Option.Option<Duration.Duration>, lifetimes: Lifetimes, now: DateTime.Utc): Cutoffs =>
  Option.match(age, {
    onNone: () => {
      const { abandonedClients, clients } = ExpiryCutoffs.at(now, lifetimes)
      return { neverUsed: clients, idle: abandonedClients }
    },
    onSome: (age) => ({
      neverUsed: DateTime.subtractDuration(now, age),
      idle: DateTime.subtractDuration(now, Duration.max(age, minimumIdle))
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
  if (total === 0) return "No client that registered itself was unused for so long"
  const clients = total === 1 ? "1 client that registered itself" : `${total} clients that registered themselves`
  return [
    `${isDry ? "Would delete" : "Deleted"} ${clients}`,
    Output.table([
      [String(neverUsed), `never used, registered before ${Output.instant(cutoffs.neverUsed)}`],
      [String(idle), `last used before ${Output.instant(cutoffs.idle)}, without a grant or consent`]
    ]),
    ...(more ? ["There are more such clients: run the command again"] : [])
  ].join("\n\n")
}

export const prune = WithServices.command(
  "prune",
  "Delete unused clients that registered themselves. It deletes clients that were never used, and clients that were not used for the given time and have no grant or consent. A server may run meanwhile",
  options,
  ({ dryRun, json, unusedFor }) =>
    Effect.gen(function* () {
      const { lifetimes } = yield* ServerSettings
      const cutoffs = cutoffsOf(unusedFor, lifetimes, yield* DateTime.now)
      const counts = yield* dryRun ? count(cutoffs) : remove(cutoffs)
      const { idle, more, neverUsed } = counts
      yield* Output.result(
        json,
        { dry_run: dryRun, never_used: neverUsed, idle, more },
        describe(dryRun, cutoffs, counts)
      )
    })
)
