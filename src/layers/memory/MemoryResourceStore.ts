/** Resources in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { ResourceServerId } from "../../domain/Resource.js"
import type { ResourceStore, StoredResource } from "../../services/stores/ResourceStore.js"
import * as Rows from "./Rows.js"

const byUri = Order.mapInput(Order.string, ({ uri }: StoredResource) => uri)

export const make = ({ resources }: Rows.Rows): Context.Tag.Service<ResourceStore> => {
  const ofServer = (id: ResourceServerId) =>
    Option.fromNullable(
      Array.from(resources.values()).find(({ credentials }) => Option.exists(credentials, (known) => known.id === id))
    )

  return {
    insert: (resource) =>
      Effect.suspend(() => {
        if (resources.has(resource.uri)) return Effect.succeed("UriTaken")
        if (Option.isSome(Option.flatMap(resource.credentials, ({ id }) => ofServer(id)))) {
          return Rows.taken("resource server")
        }
        resources.set(resource.uri, resource)
        return Effect.succeed("Created")
      }),
    findByServer: (id) => Effect.sync(() => ofServer(id)),
    list: Effect.sync(() => Array.from(resources.values()).sort(byUri)),
    remove: (uri) => Effect.sync(() => resources.delete(uri))
  }
}
