/** Stores events. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Subject } from "../../domain/Account.js"
import type { ClientId } from "../../domain/Client.js"
import type { Event } from "../../domain/Event.js"
import type { GrantId } from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Page } from "./Paging.js"

/** Selects events. `after` is the id of an event. */
export interface EventFilter extends Page<string> {
  readonly grantId?: GrantId
  readonly subject?: Subject
  readonly clientId?: ClientId
  /** Selects the events of one HTTP request. */
  readonly requestId?: string
}

export class EventLog extends Context.Tag("latchkey/EventLog")<
  EventLog,
  {
    /** Store events. An event whose id is stored already is ignored, so the same events may be appended again after a failure. */
    readonly append: (events: ReadonlyArray<Event>) => Effect.Effect<void, TemporarilyUnavailable>
    /** Returns events in the order of their ids, which is from the oldest to the newest. */
    readonly read: (filter: EventFilter) => Effect.Effect<ReadonlyArray<Event>, TemporarilyUnavailable>
    /** Delete at most `limit` events before an instant. Returns their number. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
  }
>() {}
