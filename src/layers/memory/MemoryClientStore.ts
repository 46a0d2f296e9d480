/** Clients in memory. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Client, type ClientId, isSameMetadata, isUseNew } from "../../domain/Client.js"
import type { ClientCursor, ClientStore } from "../../services/stores/ClientStore.js"
import { allowsSomething } from "./MemoryConsentStore.js"
import * as Rows from "./Rows.js"

const isUnused = ({ origin, usedAt }: Client): boolean => origin === "Dynamic" && Option.isNone(usedAt)

/** Whether a client may be deleted when it was not used for long. One that the operator approved or disabled stays so. */
const isForgettable = ({ approval, origin, state }: Client): boolean =>
  origin === "Dynamic" || (origin === "Document" && Option.isNone(approval) && state === "Enabled")

const byIssue = Rows.byTime<ClientCursor>(
  ({ issuedAt }) => issuedAt,
  ({ id }) => id
)

export const make = ({ clients, consents, grants }: Rows.Rows): Context.Tag.Service<ClientStore> => {
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

  /** Returns the last use of a client that registered itself, was used and has no grant. */
  const lastUses = () => {
    const granted = new Set(Array.from(grants.values(), ({ terms }) => terms.clientId))
    return (client: Client) =>
      isForgettable(client) && !granted.has(client.id) ? Option.getOrUndefined(client.usedAt) : undefined
  }

  /** Returns the last use of a client that registered itself, was used and has neither a grant nor a consent. */
  const lastUsesOfIdle = () => {
    const allowed = new Set(
      Array.from(consents.values())
        .filter(allowsSomething)
        .map(({ clientId }) => clientId)
    )
    const lastUse = lastUses()
    return (client: Client) => (allowed.has(client.id) ? undefined : lastUse(client))
  }

  const countBefore = (before: DateTime.Utc, instantOf: (client: Client) => DateTime.Utc | undefined) =>
    Array.from(clients.values()).filter((client) => {
      const instant = instantOf(client)
      return instant !== undefined && DateTime.lessThan(instant, before)
    }).length

  return {
    insert,
    insertDynamic: (client, atMost) =>
      Effect.suspend(() => {
        if (atMost === 0) return Effect.succeed(0)
        const unused = Array.from(clients.values()).filter(isUnused)
        const replaced = unused.length < atMost ? undefined : Rows.page(unused, byIssue, { limit: 1 })[0]
        if (clients.has(client.id) && client.id !== replaced?.id) return Rows.taken("client")
        if (replaced !== undefined) clients.delete(replaced.id)
        return Effect.as(insert(client), replaced === undefined ? unused.length + 1 : unused.length)
      }),
    record: (client) =>
      Effect.sync(() => {
        const stored = clients.get(client.id)
        const recorded = stored === undefined ? client : { ...stored, metadata: client.metadata }
        clients.set(client.id, recorded)
        return recorded
      }),
    find: (id) => Effect.sync(() => Option.fromNullable(clients.get(id))),
    list: (page) => Effect.sync(() => Rows.page(clients.values(), byIssue, page)),
    markUsed: (id, now) =>
      Effect.asVoid(update(id, (client) => (isUseNew(client, now) ? { usedAt: Option.some(now) } : {}))),
    setState: (id, state) => update(id, ({ epoch }) => ({ state, epoch: state === "Disabled" ? epoch + 1 : epoch })),
    setApproval: (id, approval) => update(id, () => ({ approval })),
    setSecret: (id, secret) => update(id, ({ epoch }) => ({ secret: Option.some(secret), epoch: epoch + 1 })),
    setMetadata: (id, { from, secret, to }) =>
      Effect.suspend(() => {
        const client = clients.get(id)
        if (client === undefined || !isSameMetadata(client.metadata, from)) return Effect.succeed(false)
        return update(id, ({ epoch }) => ({
          metadata: to,
          ...(secret === undefined ? {} : { secret, epoch: epoch + 1 })
        }))
      }),
    remove: (id) => Effect.sync(() => clients.delete(id)),
    removeUnused: (before, limit) =>
      Effect.sync(() =>
        Rows.prune(clients, (client) => (isUnused(client) ? client.issuedAt : undefined), before, limit)
      ),
    removeAbandoned: (before, limit) => Effect.sync(() => Rows.prune(clients, lastUses(), before, limit)),
    countUnused: (before) =>
      Effect.sync(() => countBefore(before, (client) => (isUnused(client) ? client.issuedAt : undefined))),
    removeIdle: (before, limit) => Effect.sync(() => Rows.prune(clients, lastUsesOfIdle(), before, limit)),
    countIdle: (before) => Effect.sync(() => countBefore(before, lastUsesOfIdle())),
    advanceEpoch: (id) => Effect.asVoid(update(id, ({ epoch }) => ({ epoch: epoch + 1 })))
  }
}
