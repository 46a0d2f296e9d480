/** Where events are kept. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Subject } from "../../domain/Account.js"
import type { ClientId } from "../../domain/Client.js"
import type { Event } from "../../domain/Event.js"
import type { GrantId } from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Which events are read. */
export interface Which {
  /** Only those after the event of this id. */
  readonly after?: string
  readonly grantId?: GrantId
  readonly subject?: Subject
  readonly clientId?: ClientId
  /** Only those of one HTTP request. */
  readonly requestId?: string
  readonly limit: number
}

export class EventLog extends Context.Tag("latchkey/EventLog")<
  EventLog,
  {
    /** Keep events. One whose id is kept already is left as it is, so after a failure the same may be appended again. */
    readonly append: (events: ReadonlyArray<Event>) => Effect.Effect<void, TemporarilyUnavailable>
    /** The oldest first, by their ids. */
    readonly read: (which: Which) => Effect.Effect<ReadonlyArray<Event>, TemporarilyUnavailable>
    /** Delete at most `limit` events of before an instant; answers with how many. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
  }
>() {}
