/** The stored events of a server. */
import * as Effect from "effect/Effect"
import type { Event, EventKind } from "../../../src/domain/Event.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import type { TestServer } from "./Server.js"

/** Waits until events are written in the background. */
export const moment = () => new Promise((resolve) => setTimeout(resolve, 20))

/** All stored events, the oldest first. */
export const kept = async (server: TestServer): Promise<ReadonlyArray<Event>> => {
  await moment()
  return server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 10_000 })))
}

/** The stored events of one kind, without their time. */
export const keptOf = async <Tag extends EventKind["_tag"]>(server: TestServer, tag: Tag) =>
  (await kept(server)).flatMap(({ kind }) =>
    kind._tag === tag ? [kind as Extract<EventKind, { readonly _tag: Tag }>] : []
  )
