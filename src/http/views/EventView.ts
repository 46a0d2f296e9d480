/** An event as JSON: `{"id", "at", "event"}`, its fields, and its origin: `actor`, `request_id`, `address`. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import type { Actor, Event } from "../../domain/Event.js"

const Fields = Schema.Struct({ at: Schema.String, event: Schema.String }, { key: Schema.String, value: Schema.Unknown })

export const EventView = Schema.Struct(
  { id: Schema.String, ...Fields.fields },
  { key: Schema.String, value: Schema.Unknown }
).annotations({
  identifier: "Event",
  description: "An event: its kind, its time, its objects and its actor. Ids grow with time."
})
export type EventView = typeof EventView.Type

/** An entry of a grant's history: an event without the ids that the grant itself has. */
export const HistoryEntryView = Fields.annotations({
  identifier: "HistoryEntry",
  description: "An event of a grant, and its time."
})
export type HistoryEntryView = typeof HistoryEntryView.Type

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const inSnakeCase = (fields: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [snakeCase(name), value]))

const actorOf = ({ _tag, ...fields }: Actor) => ({ type: _tag, ...inSnakeCase(fields) })

/** Renders an event. */
export const fromEvent = ({ actor, address, at, kind: { _tag, ...fields }, id, requestId }: Event): EventView => ({
  id,
  at: DateTime.formatIso(at),
  event: _tag,
  ...inSnakeCase(fields),
  ...(actor === undefined ? {} : { actor: actorOf(actor) }),
  ...(requestId === undefined ? {} : { request_id: requestId }),
  ...(address === undefined ? {} : { address })
})

/** Renders an event as an entry of its grant's history. */
export const entryFromEvent = (event: Event): HistoryEntryView => {
  const { client_id: _, grant_id: __, id: ___, subject: ____, ...entry } = fromEvent(event)
  return entry
}
