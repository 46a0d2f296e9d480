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

/** An event within the story of one grant, which says already whom and what it is about. */
export const ChapterView = Fields.annotations({ identifier: "Chapter", description: "What happened to a grant, when." })
export type ChapterView = typeof ChapterView.Type

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const inSnakeCase = (fields: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [snakeCase(name), value]))

const actorOf = ({ _tag, ...fields }: Actor) => ({ type: _tag, ...inSnakeCase(fields) })

export const of = ({ actor, address, at, kind: { _tag, ...fields }, id, requestId }: Event): EventView => ({
  id,
  at: DateTime.formatIso(at),
  event: _tag,
  ...inSnakeCase(fields),
  ...(actor === undefined ? {} : { actor: actorOf(actor) }),
  ...(requestId === undefined ? {} : { request_id: requestId }),
  ...(address === undefined ? {} : { address })
})

export const chapterOf = (event: Event): ChapterView => {
  const { client_id: _, grant_id: __, id: ___, subject: ____, ...chapter } = of(event)
  return chapter
}
