/**
 * Events of accounts, clients, grants and keys: a stream in this process, and rows that the `EventLog` keeps for a time. To
 * publish an event never fails and never waits: an audit row is not worth a refused login. Rows are written in batches,
 * in order. A process that is killed loses the events of its last moment (ADR 11).
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import { type Event, type EventKind, idsOf } from "../../domain/Event.js"
import * as Identifier from "../../domain/Identifier.js"
import * as Time from "../../domain/Time.js"
import * as Fibers from "../Fibers.js"
import { SecureRandom } from "../keys/Crypto.js"
import * as EventWriter from "./EventWriter.js"
import * as Metrics from "./Metrics.js"
import * as Origin from "./Origin.js"

/** Options of `publish`. */
export interface PublishOptions {
  /**
   * Stores only the first event of its kind and grant on a day, in UTC, or of its kind and client if it names no grant. The
   * others are emitted, and logged at DEBUG. For events that a client can cause again and again: they add at most one row a
   * day for each kind, grant and process.
   */
  readonly keep: "FirstOfDay"
}

export class Events extends Context.Tag("latchkey/Events")<
  Events,
  {
    /** Stores, logs and counts an event, and sends it to the stream. */
    readonly publish: (kind: EventKind, options?: PublishOptions) => Effect.Effect<void>
    /** As `publish`, but stores nothing: an event that happens at each use would fill the log (ADR 24). */
    readonly emit: (kind: EventKind) => Effect.Effect<void>
    /** The events of this process from now on. A subscriber that lags more than 1,024 events behind misses the oldest. */
    readonly stream: Stream.Stream<Event>
  }
>() {}

/**
 * Maximum number of kinds and grants whose last publication is remembered: about 2 MB. Where there are more, the oldest is
 * forgotten: then its grant may have a second row that day, and no event is lost.
 */
const maxRemembered = 10_000

/** Events and reasons of revocation that can mean theft: an operator should look at them. All others are logged at DEBUG. */
const alarming = new Set<string>([
  "WrongVerifier",
  "CodeReplayed",
  "RefreshTokenReplayed",
  "DuplicateElsewhere",
  "RetriedElsewhere"
])

/** Events and reasons that mean that the database lost rows: more may be missing than this event names. */
const grave = new Set<string>(["LostWrites", "GrantMissing"])

/** Returns the effect that logs an event; `undefined` if the app has switched its level off. */
const logOf = (fiber: Fibers.Running, { actor, kind: { _tag: event, ...ids } }: Event, isRepeated: boolean) => {
  const name = "reason" in ids ? ids.reason : event
  const isAlarm = alarming.has(name) && !isRepeated
  const level = grave.has(name) ? LogLevel.Error : isAlarm ? LogLevel.Warning : LogLevel.Debug
  return Fibers.isLogged(fiber, level)
    ? Effect.annotateLogs(Effect.logWithLevel(level, "event emitted"), { event, ...ids, actor })
    : undefined
}

/** Returns a function that answers whether an event is the first of its kind and grant on its day. */
const makeFirstOfDay = () => {
  const publishedAt = new Map<string, DateTime.Utc>()
  return (kind: EventKind, now: DateTime.Utc): boolean => {
    const { clientId = "", grantId = clientId } = idsOf(kind)
    const key = `${kind._tag} ${grantId}`
    const before = publishedAt.get(key)
    if (before !== undefined && Time.isSameDay(before, now)) return false
    // Deleted first, so that the map is in the order of publication.
    publishedAt.delete(key)
    publishedAt.set(key, now)
    const [oldest] = publishedAt.keys()
    if (publishedAt.size > maxRemembered && oldest !== undefined) publishedAt.delete(oldest)
    return true
  }
}

/**
 * Returns a function that makes the ids of this process's events. The log is read in the order of ids, so those of one
 * millisecond count up, and none is less than one before it, even if the clock is set back.
 */
const makeNextId = () => {
  let last = { millis: 0, count: 0 }
  return (now: number, random: Uint8Array): string => {
    last = now > last.millis ? { millis: now, count: 0 } : { ...last, count: last.count + 1 }
    const bytes = Uint8Array.from(random)
    new DataView(bytes.buffer).setUint32(0, last.count)
    return Identifier.format(last.millis, bytes)
  }
}

const make = Effect.gen(function* () {
  const live = yield* PubSub.sliding<Event>(1024)
  const random = yield* SecureRandom
  const write = yield* EventWriter.make
  let subscribers = 0
  const nextId = makeNextId()
  const isFirstOfDay = makeFirstOfDay()

  /** Makes an event, counts it, runs `store`, and logs and sends it. It takes one step without a subscriber and without a log line. */
  const record = (kind: EventKind, isRepeated: boolean, store: (event: Event) => void): Effect.Effect<void> =>
    Fibers.withFiber((fiber) => {
      const now = Fibers.millis(fiber)
      const event: Event = {
        id: nextId(now, random.bytes(10)),
        at: DateTime.unsafeMake(now),
        kind,
        ...Origin.factsOf(Context.get(fiber.currentContext, Origin.CurrentOrigin))
      }
      Metrics.countEvent(kind)
      store(event)
      const logged = logOf(fiber, event, isRepeated)
      const sent = subscribers === 0 ? undefined : Effect.asVoid(PubSub.publish(live, event))
      if (logged === undefined) return sent ?? Effect.void
      return sent === undefined ? logged : Effect.zipRight(logged, sent)
    })

  const nothing = () => {}
  const publish = (kind: EventKind) => record(kind, false, write)

  return Events.of({
    emit: (kind) => record(kind, false, nothing),
    publish: (kind, options) =>
      options === undefined
        ? publish(kind)
        : Effect.flatMap(DateTime.now, (now) =>
            isFirstOfDay(kind, now) ? publish(kind) : record(kind, true, nothing)
          ),
    stream: Stream.unwrapScoped(
      Effect.as(
        Effect.acquireRelease(
          Effect.sync(() => subscribers++),
          () => Effect.sync(() => subscribers--)
        ),
        Stream.fromPubSub(live)
      )
    )
  })
})

export const layer = Layer.scoped(Events, make)
