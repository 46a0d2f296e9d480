/** The handlers of the admin API for events and keys. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { EventLog } from "../../services/stores/EventLog.js"
import { KeyStore } from "../../services/stores/KeyStore.js"
import * as EventView from "../views/EventView.js"
import type * as Api from "./Api.js"
import { next } from "./Paging.js"

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "audit", (handlers) =>
    Effect.gen(function* () {
      const log = yield* EventLog
      const keys = yield* KeyStore

      return handlers
        .handle("events", ({ urlParams: { after, client, grant, limit, request, user } }) =>
          Effect.map(
            log.read({
              limit,
              ...(after === undefined ? {} : { after }),
              ...(user === undefined ? {} : { subject: user }),
              ...(client === undefined ? {} : { clientId: client }),
              ...(grant === undefined ? {} : { grantId: grant }),
              ...(request === undefined ? {} : { requestId: request })
            }),
            (events) => ({ events: events.map(EventView.fromEvent), ...next(events, limit, ({ id }) => id) })
          )
        )
        .handle("keys", () =>
          Effect.map(keys.list, (all) => ({
            keys: all.map(({ createdAt, id, state }) => ({
              id,
              state: state._tag,
              created_at: DateTime.formatIso(createdAt)
            }))
          }))
        )
    })
  )
