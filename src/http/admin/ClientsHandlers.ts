/** What the admin API does with clients. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import { Conflict } from "../../domain/OAuthError.js"
import { ClientRegistration } from "../../services/clients/ClientRegistration.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import { TakingAway } from "../../services/TakingAway.js"
import * as ClientView from "../views/ClientView.js"
import type * as Api from "./Api.js"
import { noSuch, orNoSuch } from "./NoSuch.js"

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "clients", (handlers) =>
    Effect.gen(function* () {
      const registration = yield* ClientRegistration
      const store = yield* ClientStore
      const takingAway = yield* TakingAway

      const find = Effect.fnUntraced(function* (id: Client.ClientId) {
        const client = yield* store.find(id)
        return Option.isNone(client) ? yield* noSuch("client") : client.value
      })

      return handlers
        .handle("list", () =>
          Effect.map(store.list, (all) => ({ clients: all.map((client) => ClientView.of(client)) }))
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
        .handle("disable", ({ path }) => orNoSuch("client", takingAway.disableClient(path.client_id)))
        .handle("enable", ({ path }) => orNoSuch("client", takingAway.enableClient(path.client_id)))
        .handle("rotateSecret", ({ path }) =>
          Effect.gen(function* () {
            if (!Client.isConfidential(yield* find(path.client_id))) {
              return yield* new Conflict({ reason: "PublicClient", description: "a public client has no secret" })
            }
            const secret = yield* takingAway.rotateSecret(path.client_id)
            return ClientView.of(yield* find(path.client_id), secret)
          })
        )
        .handle("remove", ({ path }) => orNoSuch("client", takingAway.removeClient(path.client_id)))
    })
  )
