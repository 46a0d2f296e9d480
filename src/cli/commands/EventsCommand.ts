/** `latchkey events`: what happened, as an auditor asks for it, and as it happens. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Event } from "../../domain/Event.js"
import * as Identifier from "../../domain/Identifier.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as EventView from "../../http/views/EventView.js"
import type { AccountStore } from "../../services/stores/AccountStore.js"
import type { EventFilter } from "../../services/stores/EventLog.js"
import * as Lists from "../../services/stores/Lists.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import * as Output from "../terminal/Output.js"
import * as EventText from "./EventText.js"
import * as Lookup from "./Lookup.js"
import * as WithServices from "./WithServices.js"

/** The option that has it go on until it is told to stop. */
export const followOption = "--follow"

const options = {
  follow: Options.boolean(followOption.slice(2)).pipe(
    Options.withDescription(
      "Shows what happens from now on, until it is told to stop; what was before only by --limit."
    )
  ),
  user: Options.text("user").pipe(
    Options.withPseudoName("NAME"),
    Options.withDescription("Only what happened to this account; the id of one that was deleted is taken too."),
    Options.optional
  ),
  client: Options.text("client").pipe(
    Options.withPseudoName("ID"),
    Options.withDescription("Only what happened to the client with this client_id."),
    Options.optional
  ),
  grant: Options.text("grant").pipe(
    Options.withPseudoName("ID"),
    Options.withDescription("Only what happened to this grant."),
    Options.optional
  ),
  request: Options.text("request").pipe(
    Options.withPseudoName("ID"),
    Options.withDescription(
      "Only events of the HTTP request with this id, which is in its log lines and in X-Request-Id."
    ),
    Options.optional
  ),
  limit: Options.text("limit").pipe(
    Options.withPseudoName("N"),
    Options.withDescription("Only the last N of them; all of them if not given."),
    Options.optional
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Prints each as JSON, one a line.")),
  ...ServerOptions.forCommand
}

/** How often it is looked for news. */
const interval = Duration.millis(500)

/**
 * Ids are of when things happened, and each process writes its own a moment later: so an id that is less than the last
 * one seen may still come. It is looked again this far back, in milliseconds.
 */
const lateness = 10_000

const idAt = (millis: number): string => Identifier.format(Math.max(0, millis), new Uint8Array(10))

type Filter = Omit<EventFilter, "limit" | "after">

type Print = (events: Iterable<Event>) => Effect.Effect<void, TemporarilyUnavailable>

/** The last of those that were. */
const last = (filter: Filter, count: number) =>
  count === 0 ? Effect.succeed([]) : Stream.runCollect(Stream.takeRight(Lists.events(filter), count))

/** Prints what happens from now on, each once, and the last `count` of before. */
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

/** Prints events as JSON, or as people read them. */
const printer = (json: boolean): Effect.Effect<Print, never, AccountStore> =>
  Effect.map(Lookup.people, (person) => {
    const text = (event: Event) =>
      Effect.map(EventText.nameOf(event, person), (nameOf) =>
        [
          Output.instant(event.at),
          EventText.sentence(event.kind),
          EventText.whom(event.kind, nameOf),
          EventText.origin(event, nameOf)
        ]
          .filter((part) => part !== "")
          .join("  ")
      )
    const line = (event: Event) => (json ? Effect.succeed(Output.toJsonLine(EventView.fromEvent(event))) : text(event))
    return (events) => Effect.forEach(events, (event) => Effect.flatMap(line(event), Output.print), { discard: true })
  })

export const events = Command.make("events", options, ({ client, grant, json, limit, request, user, ...given }) =>
  Effect.gen(function* () {
    const count = yield* Lookup.optional(limit, Lookup.limit)
    const clientId = yield* Lookup.optional(client, Lookup.clientId)
    const grantId = yield* Lookup.optional(grant, Lookup.grantId)
    yield* WithServices.onExisting(given, () =>
      Effect.gen(function* () {
        const subject = yield* Lookup.optional(user, Lookup.subject)
        const filter: Filter = {
          ...(subject === undefined ? {} : { subject }),
          ...(clientId === undefined ? {} : { clientId }),
          ...(grantId === undefined ? {} : { grantId }),
          ...(Option.isNone(request) ? {} : { requestId: request.value })
        }
        const print = yield* printer(json)
        if (given.follow) return yield* Effect.raceFirst(follow(filter, count ?? 0, print), Output.closed)
        if (count !== undefined) return yield* Effect.flatMap(last(filter, count), print)
        yield* Stream.runForEachChunk(Lists.events(filter), print)
      })
    )
  })
).pipe(Command.withDescription("Shows what happened to accounts, clients, grants and keys, the oldest first."))
