/** `latchkey events`: prints stored events, and new ones as they are stored. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Stream from "effect/Stream"
import type { Event } from "../../domain/Event.js"
import * as Identifier from "../../domain/Identifier.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as EventView from "../../http/views/EventView.js"
import type { AccountStore } from "../../services/stores/AccountStore.js"
import type { EventFilter } from "../../services/stores/EventLog.js"
import * as Lists from "../../services/stores/Lists.js"
import * as Output from "../terminal/Output.js"
import { flag, optional, parsed } from "./CommandOptions.js"
import * as EventSentences from "./EventSentences.js"
import * as EventText from "./EventText.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

/** The option with which the command runs until it is stopped. */
export const followOption = "--follow"

const options = {
  follow: flag(
    followOption.slice(2),
    "Print new events until the command is stopped; with --limit, print the last stored ones first"
  ),
  user: optional("user", "NAME", "Only events of this account; give a deleted account by its id"),
  client: parsed("client", "ID", "Only events of this client", Lookup.clientId),
  grant: parsed("grant", "ID", "Only events of this grant", Lookup.grantId),
  request: optional(
    "request",
    "ID",
    "Only events of the HTTP request with this id, which its log lines and the X-Request-Id header have"
  ),
  limit: parsed("limit", "N", "Only the last N events (default: all)", Lookup.limit),
  json: flag("json", "Print JSON, one event a line")
}

/** Interval between two reads of new events. */
const interval = Duration.millis(500)

/**
 * Each read begins this long before the previous one, in milliseconds: an id holds the time of its event, and a process stores
 * the event a moment later, so an event can appear after one with a greater id.
 */
const lateness = 10_000

const idAt = (millis: number): string => Identifier.format(Math.max(0, millis), new Uint8Array(10))

type Filter = Omit<EventFilter, "limit" | "after">

type Print = (events: Iterable<Event>) => Effect.Effect<void, TemporarilyUnavailable>

/** Returns the last stored events. */
const last = (filter: Filter, count: number) =>
  count === 0 ? Effect.succeed([]) : Stream.runCollect(Stream.takeRight(Lists.events(filter), count))

/** Prints the last `count` stored events, and then each new event once. */
const follow = (filter: Filter, count: number, print: Print) =>
  Effect.gen(function* () {
    const recent = (since: number) => Stream.runCollect(Lists.events({ ...filter, after: idAt(since - lateness) }))
    const ids = (events: Iterable<Event>) => Array.from(events, ({ id }) => id)
    let since = yield* Clock.currentTimeMillis
    const known = yield* recent(since)
    const before = yield* last(filter, count)
    let seen = new Set([...ids(known), ...ids(before)])
    yield* print(before)
    return yield* Effect.forever(
      Effect.gen(function* () {
        yield* Effect.sleep(interval)
        const now = yield* Clock.currentTimeMillis
        const events = yield* recent(since)
        since = now
        yield* print(Array.from(events).filter(({ id }) => !seen.has(id)))
        seen = new Set(ids(events))
      })
    )
  })

/** Returns a function that prints events as JSON or as text. */
const printer = (json: boolean): Effect.Effect<Print, never, AccountStore> =>
  Effect.map(Lookup.names, (find) => {
    const text = (event: Event) =>
      Effect.map(EventText.namesIn(event, find), (nameOf) =>
        [
          Output.instant(event.at),
          EventSentences.sentence(event.kind),
          EventText.subjects(event.kind, nameOf),
          EventText.origin(event, nameOf)
        ]
          .filter((part) => part !== "")
          .join("  ")
      )
    const line = (event: Event) => (json ? Effect.succeed(Output.toJsonLine(EventView.fromEvent(event))) : text(event))
    return (events) => Effect.forEach(events, (event) => Effect.flatMap(line(event), Output.print), { discard: true })
  })

export const events = WithServices.command(
  "events",
  "Print the events of accounts, clients, grants and keys, oldest first",
  options,
  ({ client, grant, json, limit, request, user, ...given }) =>
    Effect.gen(function* () {
      const subject = yield* Effect.transposeMapOption(user, (name) => Lookup.subject(name))
      const filter: Filter = Record.getSomes({ subject, clientId: client, grantId: grant, requestId: request })
      const print = yield* printer(json)
      if (given.follow) {
        return yield* Effect.raceFirst(
          follow(
            filter,
            Option.getOrElse(limit, () => 0),
            print
          ),
          Output.closed
        )
      }
      if (Option.isSome(limit)) return yield* Effect.flatMap(last(filter, limit.value), print)
      yield* Stream.runForEachChunk(Lists.events(filter), print)
    })
)
