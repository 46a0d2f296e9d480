/**
 * The account and admin API, beside the authorization server that it is of; its description is at `/api/docs`.
 *
 * @example
 * HttpLayerRouter.serve(Layer.provideMerge(ApiLayer.layer, AuthLayer.layer(options)))
 */
import type * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AccountHandlers from "../http/api/AccountHandlers.js"
import * as Api from "../http/api/Api.js"
import * as ApiDocuments from "../http/api/ApiDocuments.js"
import * as ApiEndpoint from "../http/api/ApiEndpoint.js"
import * as ApiResource from "../http/api/ApiResource.js"
import * as AuditHandlers from "../http/api/AuditHandlers.js"
import * as ClientsHandlers from "../http/api/ClientsHandlers.js"
import * as GrantsHandlers from "../http/api/GrantsHandlers.js"
import * as Guards from "../http/api/Guards.js"
import * as ResourcesHandlers from "../http/api/ResourcesHandlers.js"
import * as UsersHandlers from "../http/api/UsersHandlers.js"
import { Resources } from "../services/Resources.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { apart } from "./internal/AuthServer.js"
import { besideServer } from "./internal/BesideServer.js"
import type { ServerServices } from "./ServerServices.js"

const handlers = (api: Api.Placed) =>
  Layer.mergeAll(
    AccountHandlers.layer(api),
    AuditHandlers.layer(api),
    ClientsHandlers.layer(api),
    GrantsHandlers.layer(api),
    ResourcesHandlers.layer(api),
    UsersHandlers.layer(api)
  )

/** The API becomes a resource that can be asked for, by name, and its guards know it. */
const resource = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    yield* (yield* Resources).addOwn(ApiResource.of(issuer))
  })
)

/** What the API stands on: the services of an `AuthLayer`, and the app's router. */
export type Requirements = ServerServices | HttpLayerRouter.HttpRouter

export const layer: Layer.Layer<never, never, Requirements> = besideServer(
  Layer.unwrapEffect(
    Effect.map(ServerSettings, ({ issuer }) =>
      apart(
        Layer.merge(ApiEndpoint.layer, ApiDocuments.layer).pipe(
          Layer.provide(handlers(Api.of(issuer))),
          Layer.provide(Guards.layer),
          Layer.provide(resource)
        )
      )
    )
  )
)

/** The API, and a page at its own address (`/api`) that says what it is, for a server that has no route of its own there. */
export const layerWithAddress: Layer.Layer<never, never, Requirements> = Layer.merge(
  layer,
  besideServer(ApiDocuments.layerAddress)
)
