/** Progress of a command that changes many rows, on standard error: one line that is rewritten on a terminal, few lines elsewhere. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as BulkRevocation from "../../services/grants/BulkRevocation.js"
import * as Output from "../terminal/Output.js"

/** The pace while a server runs: a batch holds SQLite's lock for about 30 milliseconds, and requests run in the rest. */
export const besideServer = { size: 1_000, pause: Duration.millis(20) }

/** The pace while no server runs: batches follow each other without a pause. */
export const alone = { size: 2_000, pause: Duration.zero }

/** Time in milliseconds from the start to the first report, and between two reports. */
const interval = { terminal: 500, lines: 10_000 }

const words: Readonly<Record<BulkRevocation.Phase, string>> = {
  consents: "consents withdrawn",
  grants: "grants revoked"
}

/** Runs a bulk revocation at a pace and reports its progress. */
export const at =
  (pace: typeof alone) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const clock = Clock.make()
      const isTerminal = Output.canRewrite()
      const every = isTerminal ? interval.terminal : interval.lines
      let last = yield* clock.currentTimeMillis
      let isLineOpen = false
      const report = (phase: BulkRevocation.Phase, count: number) =>
        Effect.flatMap(clock.currentTimeMillis, (now) => {
          if (now - last < every) return Effect.void
          last = now
          isLineOpen = isTerminal
          const text = `${Output.number(count)} ${words[phase]} so far`
          return isTerminal ? Output.rewrite(text) : Output.complain(text)
        })
      return yield* self.pipe(
        Effect.provideService(BulkRevocation.Pace, { ...(yield* BulkRevocation.Pace), ...pace }),
        Effect.provideService(BulkRevocation.Progress, { report }),
        Effect.ensuring(Effect.suspend(() => (isLineOpen ? Output.rewrite("") : Effect.void)))
      )
    })
