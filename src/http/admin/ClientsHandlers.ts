/** What the admin API does with clients. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import { Conflict } from "../../domain/HttpError.js"
import { ClientRegistration } from "../../services/clients/ClientRegistration.js"
import { Clients } from "../../services/clients/Clients.js"
import * as ClientView from "../views/ClientView.js"
import type * as Api from "./Api.js"
import { noSuch, orNoSuch } from "./NoSuch.js"

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "clients", (handlers) =>
    Effect.gen(function* () {
      const registration = yield* ClientRegistration
      const clients = yield* Clients

      const find = Effect.fnUntraced(function* (id: Client.ClientId) {
        const client = yield* clients.find(id)
        return Option.isNone(client) ? yield* noSuch("client") : client.value
      })

      return handlers
        .handle("list", () =>
          Effect.map(clients.list, (all) => ({ clients: all.map((client) => ClientView.of(client)) }))
        )
        .handle("create", ({ payload }) =>
          Effect.map(registration.create(payload), ({ client, secret }) => ClientView.of(client, secret))
        )
        .handle("show", ({ path }) => Effect.map(find(path.client_id), (client) => ClientView.of(client)))
        .handle("update", ({ path, payload }) =>
          Effect.map(registration.update(path.client_id, payload), ({ client, secret }) =>
            ClientView.of(client, secret)
          )
        )
        .handle("disable", ({ path }) => orNoSuch("client", clients.disable(path.client_id)))
        .handle("enable", ({ path }) => orNoSuch("client", clients.enable(path.client_id)))
        .handle("rotateSecret", ({ path }) =>
          Effect.gen(function* () {
            if (!Client.isConfidential(yield* find(path.client_id))) {
              return yield* new Conflict({ reason: "PublicClient", description: "a public client has no secret" })
            }
            const secret = yield* clients.rotateSecret(path.client_id)
            return ClientView.of(yield* find(path.client_id), secret)
          })
        )
        .handle("remove", ({ path }) => orNoSuch("client", clients.remove(path.client_id)))
    })
  )
