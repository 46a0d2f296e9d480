/**
 * The queue in front of the hasher. Places are capped by network and by username, so that no network and no username takes
 * all of them. Networks take turns. Known browsers have their own places, and come first.
 *
 * Places that no other applicant needs are spare: a network beyond its cap gets them. So forty users of one office can log in
 * at once, and a flood from that office delays no other user: an applicant within the caps comes first, and takes a spare
 * place if no place is free.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Applicant } from "./PasswordHasher.js"

/** Maximum number of hashes that run at once. It leaves two of the four threads of Node's pool to other work. */
export const maxRunning = 2

/** Maximum number of waiting applicants. With two hashes at a time, 30 ms each, the last one waits about a second. */
const maxWaiting = 64

/** Maximum number of waiting unknown browsers. A flood from many networks leaves the other places to known browsers. */
const maxWaitingUnknown = 48

/**
 * Maximum time that an applicant waits. A full queue takes a second if a hash takes 30 ms. On a machine that is five times
 * slower each applicant still gets a turn. An applicant that waits longer fails, and the user tries again.
 */
export const maxWait = Duration.seconds(5)

/**
 * Maximum number of places of a network, running or waiting, without the spare places: of an IPv4 address or a /64, of a /56,
 * and of a /48. Eight places are an eighth of a second of hashing, so an office has 60 logins a second. A wider network
 * belongs to several subscribers and gets a few more. Even a /48 holds only a third of the places of unknown browsers.
 */
export const maxOfNetwork = [8, 12, 16] as const

/** Maximum number of places of a username: one more than the login throttle lets through at once. */
export const maxOfName = 10

/**
 * Maximum number of turns in a row for known browsers while unknown browsers wait. So a user with an account cannot keep
 * other users out.
 */
export const maxKnownTurns = 3

export interface HashingQueue {
  /**
   * Runs `work` when it is the applicant's turn. Fails with `HashingBusy` if the places of the username or all places are
   * taken, if another applicant needs its spare place, or if the turn does not come within `maxWait`. Work that has begun runs
   * to its end, also when the caller is interrupted: a hash cannot be stopped, and its place stays occupied meanwhile.
   */
  readonly run: <A>(
    applicant: Applicant,
    work: Effect.Effect<A, TemporarilyUnavailable>
  ) => Effect.Effect<A, TemporarilyUnavailable>
}

/** The lines in which applicants wait. An applicant in the spare line is beyond the caps of its networks. */
type Line = "known" | "unknown" | "spare"

/** An applicant in the queue, with the caps on which it counts. */
interface Place {
  readonly line: Line
  /** The widest network of the applicant. Networks take turns. */
  readonly network: string
  readonly caps: ReadonlyArray<readonly [key: string, max: number]>
  /** The number of the applicant in order of arrival. */
  readonly number: number
  readonly turn: Deferred.Deferred<void, TemporarilyUnavailable>
}

/** Makes the error of a full queue, or of a turn that comes too late. */
const busy = () => new TemporarilyUnavailable({ reason: "HashingBusy", description: "try again in a moment" })

/** Returns the caps of an applicant. Known and unknown browsers count separately: a flood leaves known browsers their places. */
const capsOf = ({ known, name, networks }: Applicant) => ({
  ofName: [[JSON.stringify([known, "name", name]), maxOfName] as const],
  ofNetworks: networks.map(
    (network, i) => [JSON.stringify([known, "network", network]), maxOfNetwork[i] ?? maxOfNetwork[2]] as const
  )
})

/** Makes a line of applicants that wait for a turn, for each network in order of arrival. */
const makeLine = () => {
  const byNetwork = new Map<string, Set<Place>>()

  const remove = (place: Place) => {
    const places = byNetwork.get(place.network)
    places?.delete(place)
    if (places?.size === 0) byNetwork.delete(place.network)
  }

  return {
    size: () => Array.from(byNetwork.values()).reduce((sum, { size }) => sum + size, 0),
    add: (place: Place) => {
      const places = byNetwork.get(place.network) ?? new Set()
      byNetwork.set(place.network, places.add(place))
    },
    remove,
    /** Removes the applicant that arrived last. */
    removeLast: (): Place | undefined => {
      let last: Place | undefined
      for (const places of byNetwork.values()) {
        for (const place of places) if (last === undefined || place.number > last.number) last = place
      }
      if (last !== undefined) remove(last)
      return last
    },
    /** Removes and returns the next applicant. Its network comes last then. */
    take: (): Place | undefined => {
      const [first] = byNetwork
      if (first === undefined) return undefined
      const [network, places] = first
      const [place] = places
      byNetwork.delete(network)
      byNetwork.set(network, places)
      if (place !== undefined) remove(place)
      return place
    }
  }
}

/** Makes an empty queue. */
export const make: Effect.Effect<HashingQueue> = Effect.sync(() => {
  const running = new Set<Place>()
  const waiting = { known: makeLine(), unknown: makeLine(), spare: makeLine() }
  const held = new Map<string, number>()
  let knownTurns = 0
  let arrived = 0

  const hold = ({ caps }: Place, by: 1 | -1) => {
    for (const [key] of caps) {
      const count = (held.get(key) ?? 0) + by
      if (count === 0) held.delete(key)
      else held.set(key, count)
    }
  }

  const isUsedUp = (caps: Place["caps"]): boolean => caps.some(([key, max]) => (held.get(key) ?? 0) >= max)

  /** Whether no place in this line is free, and no spare place can be taken. */
  const isFull = (line: Line): boolean => {
    if (running.size < maxRunning) return false
    const [known, unknown, spare] = [waiting.known.size(), waiting.unknown.size(), waiting.spare.size()]
    if (line === "spare") return known + unknown + spare >= maxWaiting
    return known + unknown >= maxWaiting || (line === "unknown" && unknown >= maxWaitingUnknown)
  }

  const begin = (place: Place) => {
    running.add(place)
    Deferred.unsafeDone(place.turn, Effect.void)
  }

  const wait = (place: Place) => {
    waiting[place.line].add(place)
    const size = waiting.known.size() + waiting.unknown.size() + waiting.spare.size()
    const last = size > maxWaiting ? waiting.spare.removeLast() : undefined
    if (last !== undefined) Deferred.unsafeDone(last.turn, busy())
  }

  const enter = (applicant: Applicant): Effect.Effect<Place, TemporarilyUnavailable> =>
    Effect.flatMap(Deferred.make<void, TemporarilyUnavailable>(), (turn) => {
      const { known, name, networks } = applicant
      const { ofName, ofNetworks } = capsOf(applicant)
      const line: Line = isUsedUp(ofNetworks) ? "spare" : known ? "known" : "unknown"
      if (isUsedUp(ofName) || isFull(line)) return busy()
      const caps = line === "spare" ? ofName : [...ofName, ...ofNetworks]
      const place: Place = { line, network: networks.at(-1) ?? name, caps, number: arrived++, turn }
      hold(place, 1)
      if (running.size < maxRunning) begin(place)
      else wait(place)
      return Effect.succeed(place)
    })

  const leave = (place: Place) =>
    Effect.sync(() => {
      hold(place, -1)
      waiting[place.line].remove(place)
      if (!running.delete(place)) return
      const isUnknownDue = knownTurns >= maxKnownTurns && waiting.unknown.size() > 0
      const known = isUnknownDue ? undefined : waiting.known.take()
      knownTurns = known === undefined ? 0 : knownTurns + 1
      const next = known ?? waiting.unknown.take() ?? waiting.spare.take()
      if (next !== undefined) begin(next)
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
