/** Events in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Order from "effect/Order"
import { type Event, idsOf } from "../../domain/Event.js"
import type { EventLog } from "../../services/stores/EventLog.js"
import * as Rows from "./Rows.js"

const byId = Order.mapInput(Order.string, ({ id }: Event) => id)

export const make = ({ events }: Rows.Rows): Context.Tag.Service<EventLog> => ({
  append: (added) =>
    Effect.sync(() => {
      for (const event of added) if (!events.has(event.id)) events.set(event.id, event)
    }),
  read: ({ after, clientId, grantId, limit, requestId, subject }) =>
    Effect.sync(() =>
      Array.from(events.values())
        .filter(({ id }) => after === undefined || id > after)
        .filter((event) => {
          const ids = idsOf(event.kind)
          return (
            (requestId === undefined || event.requestId === requestId) &&
            (grantId === undefined || ids.grantId === grantId) &&
            (subject === undefined || ids.subject === subject) &&
            (clientId === undefined || ids.clientId === clientId)
          )
        })
        .sort(byId)
        .slice(0, limit)
    ),
  prune: (before, limit) => Effect.sync(() => Rows.prune(events, ({ at }) => at, before, limit))
})
