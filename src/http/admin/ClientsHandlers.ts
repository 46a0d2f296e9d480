/** The handlers of the admin API for clients. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import { Conflict } from "../../domain/HttpError.js"
import { ClientRegistration } from "../../services/clients/ClientRegistration.js"
import { Clients } from "../../services/clients/Clients.js"
import * as ClientView from "../views/ClientView.js"
import type * as Api from "./Api.js"
import { ClientChanges, NewApproval, NewClient } from "./ClientsGroup.js"
import { formatPosition, next } from "./Paging.js"
import * as Payload from "./Payload.js"
import { noSuch, orNoSuch } from "./Problems.js"

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
        .handle("list", ({ urlParams: { after, limit } }) => {
          const page = after === undefined ? { limit } : { limit, after: { issuedAt: after.at, id: after.id } }
          return Effect.map(clients.list(page), (rows) => ({
            clients: rows.map((client) => ClientView.fromClient(client)),
            ...next(rows, limit, ({ id, issuedAt }) => formatPosition({ at: issuedAt, id }))
          }))
        })
        .handleRaw("create", ({ request }) =>
          Effect.map(Effect.flatMap(Payload.read(request, NewClient), registration.create), ({ client, secret }) =>
            ClientView.fromClient(client, secret)
          )
        )
        .handle("show", ({ path }) => Effect.map(find(path.client_id), (client) => ClientView.fromClient(client)))
        .handleRaw("update", ({ path, request }) =>
          Effect.gen(function* () {
            const changes = yield* Payload.read(request, ClientChanges)
            const { client, secret } = yield* registration.update(path.client_id, changes)
            return ClientView.fromClient(client, secret)
          })
        )
        .handleRaw("approve", ({ path, request }) =>
          Effect.gen(function* () {
            const { resources } = yield* Payload.read(request, NewApproval)
            yield* orNoSuch("client", clients.approve(path.client_id, new Set(resources)))
            return ClientView.fromClient(yield* find(path.client_id))
          })
        )
        .handle("unapprove", ({ path }) => orNoSuch("client", clients.unapprove(path.client_id)))
        .handle("disable", ({ path }) => orNoSuch("client", clients.disable(path.client_id)))
        .handle("enable", ({ path }) => orNoSuch("client", clients.enable(path.client_id)))
        .handle("rotateSecret", ({ path }) =>
          Effect.gen(function* () {
            const before = yield* find(path.client_id)
            if (!Client.isConfidential(before)) {
              return yield* new Conflict({ reason: "PublicClient", description: "a public client has no secret" })
            }
            if (!Client.hasSecret(before)) {
              return yield* new Conflict({
                reason: "ClientWithoutSecret",
                description: `the client authenticates by ${before.metadata.token_endpoint_auth_method} and has no secret`
              })
            }
            const secret = yield* clients.rotateSecret(path.client_id)
            return ClientView.fromClient(yield* find(path.client_id), secret)
          })
        )
        .handle("remove", ({ path }) => orNoSuch("client", clients.remove(path.client_id)))
    })
  )
