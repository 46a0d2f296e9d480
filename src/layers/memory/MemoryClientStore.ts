/** Clients in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Client, ClientId } from "../../domain/Client.js"
import type { ClientStore } from "../../services/ClientStore.js"
import * as Rows from "./Rows.js"

const isUnused = ({ origin, usedAt }: Client): boolean => origin === "Dynamic" && Option.isNone(usedAt)

export const make = ({ clients }: Rows.Rows): Context.Tag.Service<ClientStore> => {
  const insert = (client: Client) =>
    Effect.suspend(() => {
      if (clients.has(client.id)) return Rows.taken("client")
      clients.set(client.id, client)
      return Effect.void
    })

  const update = (id: ClientId, change: (client: Client) => Partial<Client>) =>
    Effect.sync(() => {
      const client = clients.get(id)
      if (client !== undefined) clients.set(id, { ...client, ...change(client) })
      return client !== undefined
    })

  return {
    insert,
    insertDynamic: (client, atMost) =>
      Effect.suspend(() =>
        Array.from(clients.values()).filter(isUnused).length < atMost
          ? Effect.as(insert(client), "Created" as const)
          : Effect.succeed("QuotaReached" as const)
      ),
    find: (id) => Effect.sync(() => Option.fromNullable(clients.get(id))),
    list: Effect.sync(() =>
      Rows.oldestFirst(
        clients.values(),
        ({ issuedAt }) => issuedAt,
        ({ id }) => id
      )
    ),
    markUsed: (id, now) =>
      Effect.asVoid(update(id, ({ usedAt }) => ({ usedAt: Option.orElseSome(usedAt, () => now) }))),
    setState: (id, state) => update(id, ({ epoch }) => ({ state, epoch: state === "Disabled" ? epoch + 1 : epoch })),
    setSecret: (id, secret) => update(id, ({ epoch }) => ({ secret: Option.some(secret), epoch: epoch + 1 })),
    remove: (id) => Effect.sync(() => clients.delete(id)),
    removeUnused: (before, limit) =>
      Effect.sync(() =>
        Rows.prune(clients, (client) => (isUnused(client) ? client.issuedAt : undefined), before, limit)
      ),
    advanceEpoch: (id) => Effect.asVoid(update(id, ({ epoch }) => ({ epoch: epoch + 1 })))
  }
}
