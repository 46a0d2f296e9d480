/**
 * What happened, for whoever listens: a stream in this process, and rows that `EventLog` keeps for a time. Telling it
 * never fails and never waits: an audit row is not worth a refused login. Rows are written in batches, in order; those
 * of the last moment are lost with a process that dies.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { type Event, type EventKind, idsOf } from "../../domain/Event.js"
import * as Identifier from "../../domain/Identifier.js"
import * as Time from "../../domain/Time.js"
import { randomBytes } from "../keys/Crypto.js"
import { EventLog } from "../stores/EventLog.js"
import * as Metrics from "./Metrics.js"
import * as Origin from "./Origin.js"

export class Events extends Context.Tag("latchkey/Events")<
  Events,
  {
    /** Tell what happened, and keep it. */
    readonly publish: (kind: EventKind) => Effect.Effect<void>
    /** Tell what happened, and keep nothing: what happens again and again would fill the log (ADR 24). */
    readonly mention: (kind: EventKind) => Effect.Effect<void>
    /**
     * Publish the first of a day, in UTC, of its kind and grant; emit the others without keeping them, logged at DEBUG. For
     * events that a client can cause again and again: they add at most one row a day for each kind, grant and process.
     */
    readonly publishDaily: (kind: EventKind) => Effect.Effect<void>
    /** What happens in this process from now on. A listener that lags more than 1,024 events behind misses the oldest. */
    readonly stream: Stream.Stream<Event>
  }
>() {}

/** So many events wait to be written at most; when the store is down for longer the oldest are dropped, and it is said. */
const waiting = 10_000

/** As many as are written at once. */
const batch = 64

/**
 * Maximum number of kinds and grants whose last publication is remembered: about 2 MB. Where there are more, the oldest is
 * forgotten, so that an event is never lost, and its grant may have a second row that day.
 */
const remembered = 10_000

/** Events and reasons of revocation that an operator should look at: they can mean theft. The others are for those who ask. */
const alarming = new Set<string>([
  "WrongVerifier",
  "CodeReplayed",
  "RefreshTokenReplayed",
  "DuplicateElsewhere",
  "RetriedElsewhere"
])

/** The database is not what it was: more is lost than what is told of here. */
const grave = new Set<string>(["LostWrites", "GrantMissing"])

const logOf = ({ actor, kind: { _tag: event, ...ids } }: Event, isRepeated: boolean) => {
  const what = "reason" in ids ? ids.reason : event
  const isAlarm = alarming.has(what) && !isRepeated
  const log = grave.has(what) ? Effect.logError : isAlarm ? Effect.logWarning : Effect.logDebug
  return Effect.annotateLogs(log("event"), { event, ...ids, actor })
}

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const live = yield* PubSub.sliding<Event>(1024)
  const queue = yield* Queue.sliding<Event | Deferred.Deferred<void>>(waiting)

  const append = (events: ReadonlyArray<Event>) =>
    log.append(events).pipe(
      Effect.retry({ times: 3 }),
      Effect.catchAll((error) =>
        Effect.annotateLogs(Effect.logError("events were lost"), { count: events.length, reason: error.reason })
      )
    )

  const write = Effect.flatMap(Queue.takeBetween(queue, 1, batch), (taken) => {
    const events = Array.from(taken).filter((item): item is Event => "kind" in item)
    const ends = Array.from(taken).filter((item): item is Deferred.Deferred<void> => !("kind" in item))
    return Effect.zipRight(
      events.length === 0 ? Effect.void : append(events),
      Effect.forEach(ends, (end) => Deferred.succeed(end, undefined), { discard: true })
    )
  })
  yield* Effect.forkScoped(Effect.forever(write))
  // What was told before the end is written before it.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      const end = yield* Deferred.make<void>()
      yield* Queue.offer(queue, end)
      yield* Deferred.await(end)
    })
  )

  // The log is read by ids, so those of one millisecond are in order too, and a clock that is set back changes nothing.
  let last = { millis: 0, count: 0 }
  const nextId = (now: number, random: Uint8Array): string => {
    last = now > last.millis ? { millis: now, count: 0 } : { ...last, count: last.count + 1 }
    const bytes = Uint8Array.from(random)
    new DataView(bytes.buffer).setUint32(0, last.count)
    return Identifier.format(last.millis, bytes)
  }

  const publishedAt = new Map<string, DateTime.Utc>()
  /** Whether this is the first of its kind and grant on its day; it is not from here on. */
  const isFirstOfDay = (kind: EventKind, now: DateTime.Utc): boolean => {
    const key = `${kind._tag} ${idsOf(kind).grantId ?? ""}`
    const before = publishedAt.get(key)
    if (before !== undefined && Time.isSameDay(before, now)) return false
    // Deleted first, so that the map is in the order of publication.
    publishedAt.delete(key)
    publishedAt.set(key, now)
    const [oldest] = publishedAt.keys()
    if (publishedAt.size > remembered && oldest !== undefined) publishedAt.delete(oldest)
    return true
  }

  const mention = Effect.fnUntraced(function* (kind: EventKind, isRepeated = false) {
    const now = yield* Clock.currentTimeMillis
    const event: Event = {
      id: nextId(now, yield* randomBytes(10)),
      at: DateTime.unsafeMake(now),
      kind,
      ...(yield* Origin.facts)
    }
    yield* logOf(event, isRepeated)
    yield* Metric.update(Metrics.events, kind)
    yield* PubSub.publish(live, event)
    return event
  })

  const publish = (kind: EventKind) =>
    Effect.asVoid(Effect.flatMap(mention(kind), (event) => Queue.offer(queue, event)))

  return Events.of({
    mention: (kind) => Effect.asVoid(mention(kind)),
    publish,
    publishDaily: (kind) =>
      Effect.flatMap(DateTime.now, (now) =>
        isFirstOfDay(kind, now) ? publish(kind) : Effect.asVoid(mention(kind, true))
      ),
    stream: Stream.fromPubSub(live)
  })
})

export const layer = Layer.scoped(Events, make)
