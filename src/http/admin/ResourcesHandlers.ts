/** The handlers of the admin API for resources. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { Conflict } from "../../domain/HttpError.js"
import { InvalidRequest } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import { ResourceRegistration } from "../../services/resources/ResourceRegistration.js"
import { ResourceStore } from "../../services/stores/ResourceStore.js"
import * as ResourceView from "../views/ResourceView.js"
import type * as Api from "./Api.js"
import * as Payload from "./Payload.js"
import { noSuch, orNoSuch } from "./Problems.js"
import { NewResource } from "./ResourcesGroup.js"

export const layer = (api: Api.Placed) =>
  HttpApiBuilder.group(api, "resources", (handlers) =>
    Effect.gen(function* () {
      const registration = yield* ResourceRegistration
      const store = yield* ResourceStore

      return handlers
        .handle("list", () =>
          Effect.map(store.list, (all) => ({ resources: all.map((resource) => ResourceView.fromResource(resource)) }))
        )
        .handleRaw("create", ({ request }) =>
          Payload.read(request, NewResource).pipe(
            Effect.flatMap(registration.register),
            Effect.map(({ resource, secret }) => ResourceView.fromResource(resource, secret)),
            Effect.catchTags({
              UriTaken: () => new Conflict({ reason: "UriTaken", description: "a resource with this URI exists" }),
              ScopeTaken: () =>
                new Conflict({
                  reason: "ScopeTaken",
                  description: "a resource that is built into the server has one of these scopes"
                }),
              InvalidImplication: ({ message }) =>
                new InvalidRequest({ reason: "MalformedParameter", description: message })
            })
          )
        )
        .handle("remove", ({ urlParams }) =>
          Effect.gen(function* () {
            const resource = Resource.find(yield* store.list, urlParams.uri)
            if (resource === undefined) return yield* noSuch("resource")
            yield* orNoSuch("resource", store.remove(resource.uri))
          })
        )
    })
  )
