/**
 * The queue in front of the hasher. Places are capped by network and by name, so that no network and no name can take
 * all of them; known browsers have places of their own, and come first.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TemporarilyUnavailable } from "../domain/OAuthError.js"
import type { Applicant } from "./PasswordHasher.js"

/** Maximum number of hashes that run at once: two of the pool's four threads are left for the rest of Node's work. */
export const maxRunning = 2

/** Maximum number of waiting applicants. Two hashes at a time, 30 ms each: the last of them waits about a second. */
const maxWaiting = 64

/** Maximum number of waiting unknown browsers: a flood from many networks leaves the other places to known ones. */
const maxWaitingUnknown = 48

/**
 * Longest wait: what a full queue takes where a hash takes 30 ms. On a slower machine those who would wait longer, and an
 * unknown browser that known ones overtake for so long, are told to come back.
 */
export const maxWait = Duration.seconds(1)

/**
 * Maximum number of places of a network, running or waiting: of an IPv4 address or a /64, of a /56, and of a /48. Eight
 * are an eighth of a second of hashing, so an office has 60 logins a second. A wider network is several people's and gets
 * a little more; even a /48 holds a third of the places of unknown browsers.
 */
export const maxOfNetwork = [8, 12, 16] as const

/** Maximum number of places of a name: one more than the login throttle lets through at once. */
export const maxOfName = 10

/**
 * Maximum number of turns in a row that known browsers get while unknown ones wait: a person with an account cannot keep
 * everybody else out.
 */
export const maxKnownTurns = 3

export interface HashingQueue {
  /**
   * Runs `work` when it is the applicant's turn. Fails with `HashingBusy` when the applicant's places, or all places, are
   * taken, or the turn does not come within `maxWait`. Work that runs is run to its end, also when nobody waits for it any
   * more: a hash cannot be stopped, and its place is free only when the machine is.
   */
  readonly run: <A>(
    applicant: Applicant,
    work: Effect.Effect<A, TemporarilyUnavailable>
  ) => Effect.Effect<A, TemporarilyUnavailable>
}

/** An applicant in the queue, with the caps that it counts against. */
interface Place {
  readonly known: boolean
  readonly caps: ReadonlyArray<readonly [key: string, max: number]>
  readonly turn: Deferred.Deferred<void>
}

/** The error of a queue that is full, or of a hash that failed. */
export const busy = (cause?: unknown) =>
  new TemporarilyUnavailable({ reason: "HashingBusy", description: "try again in a moment", cause })

/** Known and unknown browsers are counted apart: a flood from an office leaves its known browsers their places. */
const capsOf = ({ known, name, networks }: Applicant): Place["caps"] => [
  [JSON.stringify([known, "name", name]), maxOfName],
  ...networks.map(
    (network, i) => [JSON.stringify([known, "network", network]), maxOfNetwork[i] ?? maxOfNetwork[2]] as const
  )
]

/** An empty queue. */
export const make: Effect.Effect<HashingQueue> = Effect.sync(() => {
  const running = new Set<Place>()
  // In the order of their coming.
  const waiting = { known: new Set<Place>(), unknown: new Set<Place>() }
  const held = new Map<string, number>()
  let knownTurns = 0

  const hold = ({ caps }: Place, by: 1 | -1) => {
    for (const [key] of caps) {
      const count = (held.get(key) ?? 0) + by
      if (count === 0) held.delete(key)
      else held.set(key, count)
    }
  }

  const isFull = ({ caps, known }: Place): boolean =>
    caps.some(([key, max]) => (held.get(key) ?? 0) >= max) ||
    (running.size >= maxRunning &&
      (waiting.known.size + waiting.unknown.size >= maxWaiting ||
        (!known && waiting.unknown.size >= maxWaitingUnknown)))

  const begin = (place: Place) => {
    running.add(place)
    Deferred.unsafeDone(place.turn, Effect.void)
  }

  const enter = (applicant: Applicant): Effect.Effect<Place, TemporarilyUnavailable> =>
    Effect.flatMap(Deferred.make<void>(), (turn) => {
      const place: Place = { known: applicant.known, caps: capsOf(applicant), turn }
      if (isFull(place)) return busy()
      hold(place, 1)
      if (running.size < maxRunning) begin(place)
      else waiting[place.known ? "known" : "unknown"].add(place)
      return Effect.succeed(place)
    })

  const leave = (place: Place) =>
    Effect.sync(() => {
      hold(place, -1)
      waiting.known.delete(place)
      waiting.unknown.delete(place)
      if (!running.delete(place)) return
      const isKnownNext = waiting.known.size > 0 && (waiting.unknown.size === 0 || knownTurns < maxKnownTurns)
      knownTurns = isKnownNext ? knownTurns + 1 : 0
      const queue = isKnownNext ? waiting.known : waiting.unknown
      const [next] = queue
      if (next === undefined) return
      queue.delete(next)
      begin(next)
    })

  return {
    run: (applicant, work) =>
      Effect.acquireUseRelease(
        enter(applicant),
        ({ turn }) =>
          Deferred.await(turn).pipe(
            Effect.timeoutFail({ duration: maxWait, onTimeout: () => busy() }),
            Effect.zipRight(Effect.uninterruptible(work))
          ),
        leave
      )
  }
})
