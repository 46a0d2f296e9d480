/**
 * The primary process: it starts workers, which listen on one port, and replaces a worker that ends. It answers no request
 * itself. If it is killed, Node ends its workers.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as FirstAccount from "../../services/accounts/FirstAccount.js"
import * as RateLimiter from "../../services/RateLimiter.js"
import type { Failure } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as WorkerProcess from "./WorkerProcess.js"

/** Pause before a worker is replaced. It doubles while workers of one number end soon after their start. */
const firstPause = Duration.millis(100)

const maxPause = Duration.seconds(30)

/** Time after which a worker counts as one that runs. */
const steadyAfter = Duration.minutes(1)

/** Returns the pause before the next start, after this many short lives in a row. */
export const pauseAfter = (shortLives: number): Duration.Duration =>
  Duration.min(Duration.times(firstPause, 2 ** Math.min(shortLives, 20)), maxPause)

const idsOf = ({ number, pid }: WorkerProcess.WorkerProcess) => ({ worker: number, pid })

/**
 * Runs workers until the scope closes. The first one creates the database and its keys and listens on the port, so a start
 * that cannot succeed fails once. A worker that cannot start again later ends the command only if no other one answers requests.
 */
export const run = (count: number): Effect.Effect<void, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    const firstAccountToken = Redacted.value(yield* FirstAccount.newToken)
    const counter = RateLimiter.makeCounter()
    const alive = new Set<WorkerProcess.WorkerProcess>()
    const serving = new Set<number>()

    yield* Effect.addFinalizer(() =>
      Effect.forEach(alive, ({ ended, stop }) => Effect.zipRight(stop, ended), {
        concurrency: "unbounded",
        discard: true
      })
    )

    const begin = (number: number) =>
      Effect.tap(WorkerProcess.start({ number, firstAccountToken }, counter), (worker) =>
        Effect.sync(() => alive.add(worker))
      ).pipe(Effect.uninterruptible)

    const untilReady = (worker: WorkerProcess.WorkerProcess) =>
      Effect.tap(worker.ready, () => Effect.sync(() => serving.add(worker.number)))

    const untilEnded = (worker: WorkerProcess.WorkerProcess) =>
      Effect.tap(worker.ended, () =>
        Effect.sync(() => {
          alive.delete(worker)
          serving.delete(worker.number)
        })
      )

    /** Replaces a worker each time that it ends. */
    const keep = Effect.fnUntraced(function* (first: WorkerProcess.WorkerProcess) {
      let worker = first
      let shortLives = 0
      while (true) {
        const startedAt = yield* Clock.currentTimeMillis
        const { code, signal } = yield* untilEnded(worker)
        const lived = (yield* Clock.currentTimeMillis) - startedAt
        shortLives = lived < Duration.toMillis(steadyAfter) ? shortLives + 1 : 0
        const pause = pauseAfter(shortLives)
        yield* Effect.annotateLogs(Effect.logError("worker ended, it is replaced"), {
          ...idsOf(worker),
          ...(signal === null ? { code } : { signal }),
          pause: Duration.toMillis(pause)
        })
        yield* Effect.sleep(pause)
        worker = yield* begin(worker.number)
        yield* Effect.matchEffect(untilReady(worker), {
          onSuccess: () => Effect.annotateLogs(Effect.logInfo("worker started"), idsOf(worker)),
          onFailure: (failure) =>
            serving.size === 0
              ? failure
              : Effect.annotateLogs(Effect.logError("worker did not start, the next start follows"), {
                  ...idsOf(worker),
                  reason: failure.message
                })
        })
      }
    })

    const first = yield* begin(1)
    const welcome = yield* untilReady(first)
    const others = yield* Effect.forEach(Arr.range(2, count), (number) => Effect.tap(begin(number), untilReady), {
      concurrency: "unbounded"
    })
    yield* Output.print(welcome)
    yield* Effect.forEach([first, ...others], keep, { concurrency: "unbounded", discard: true })
  })
