/**
 * The account and admin API of an authorization server. Its description is at `/api/docs`.
 *
 * @example
 * import { HttpLayerRouter } from "@effect/platform"
 * import { Layer } from "effect"
 * import * as AdminApi from "latchkey/admin"
 * import * as AuthLayer from "latchkey/AuthLayer"
 *
 * const Auth = AuthLayer.layer({ issuer: "https://notes.example.com", resources: [] })
 * const Server = HttpLayerRouter.serve(Layer.provideMerge(AdminApi.layer, Auth))
 */
import type * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AccountHandlers from "../http/admin/AccountHandlers.js"
import * as Api from "../http/admin/Api.js"
import * as ApiDocuments from "../http/admin/ApiDocuments.js"
import * as ApiGuards from "../http/admin/ApiGuards.js"
import * as ApiResource from "../http/admin/ApiResource.js"
import * as ApiRoutes from "../http/admin/ApiRoutes.js"
import * as AuditHandlers from "../http/admin/AuditHandlers.js"
import * as ClientsHandlers from "../http/admin/ClientsHandlers.js"
import * as GrantsHandlers from "../http/admin/GrantsHandlers.js"
import * as InitialAccessTokensHandlers from "../http/admin/InitialAccessTokensHandlers.js"
import * as ResourcesHandlers from "../http/admin/ResourcesHandlers.js"
import * as UsersHandlers from "../http/admin/UsersHandlers.js"
import { Resources } from "../services/resources/Resources.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { apart } from "./wiring/AuthServer.js"
import type { ServerContext } from "./wiring/ServerContext.js"
import { provideServer } from "./wiring/ServerContext.js"

const handlers = (api: Api.Placed) =>
  Layer.mergeAll(
    AccountHandlers.layer(api),
    AuditHandlers.layer(api),
    ClientsHandlers.layer(api),
    GrantsHandlers.layer(api),
    InitialAccessTokensHandlers.layer(api),
    ResourcesHandlers.layer(api),
    UsersHandlers.layer(api)
  )

/** Makes the API a resource that clients can request by name, and that its guards find. */
const resource = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    yield* (yield* Resources).addBuiltIn(ApiResource.make(issuer))
  })
)

/** The services of an `AuthLayer`, and the app's router. */
export type Requirements = ServerContext | HttpLayerRouter.HttpRouter

/** The API on the app's router. */
export const layer: Layer.Layer<never, never, Requirements> = provideServer(
  Layer.unwrapEffect(
    Effect.map(ServerSettings, ({ issuer }) =>
      apart(
        Layer.merge(ApiRoutes.layer, ApiDocuments.layer).pipe(
          Layer.provide(handlers(Api.make(issuer))),
          Layer.provide(ApiGuards.layer),
          Layer.provide(resource)
        )
      )
    )
  )
)

/** The API, and a page at its path (`/api`) that describes it, for a server that has no other route there. */
export const layerWithAddress: Layer.Layer<never, never, Requirements> = Layer.merge(
  layer,
  provideServer(ApiDocuments.layerAddress)
)
