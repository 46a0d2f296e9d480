/**
 * The authorization server with the types of all its services, for Latchkey's own program and tests. Apps get the same
 * server from `AuthLayer`, whose type names only the services for apps.
 *
 * @example
 * import * as AuthServer from "./AuthServer.js"
 *
 * const Services = AuthServer.layerServices({ issuer: "https://notes.example.com", resources: [] })
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AccountEndpoint from "../../http/browser/AccountEndpoint.js"
import * as AuthorizeEndpoint from "../../http/browser/AuthorizeEndpoint.js"
import * as ConsentEndpoint from "../../http/browser/ConsentEndpoint.js"
import * as LoginEndpoint from "../../http/browser/LoginEndpoint.js"
import * as LogoutEndpoint from "../../http/browser/LogoutEndpoint.js"
import * as ClientConfigurationEndpoint from "../../http/oauth/ClientConfigurationEndpoint.js"
import * as HealthEndpoints from "../../http/oauth/HealthEndpoints.js"
import * as IntrospectEndpoint from "../../http/oauth/IntrospectEndpoint.js"
import * as MetadataEndpoint from "../../http/oauth/MetadataEndpoint.js"
import * as ProtectedResourceEndpoint from "../../http/oauth/ProtectedResourceEndpoint.js"
import * as RegisterEndpoint from "../../http/oauth/RegisterEndpoint.js"
import * as RevokeEndpoint from "../../http/oauth/RevokeEndpoint.js"
import * as TokenEndpoint from "../../http/oauth/TokenEndpoint.js"
import * as Page from "../../http/wire/Page.js"
import * as ClockCheck from "../../services/maintenance/ClockCheck.js"
import * as MaintenanceSchedule from "../../services/maintenance/MaintenanceSchedule.js"
import * as Readiness from "../../services/maintenance/Readiness.js"
import type { SettingsOptions } from "../settings/SettingsOptions.js"
import * as OnServerClock from "./OnServerClock.js"
import { ServerContext } from "./ServerContext.js"
import * as Services from "./Services.js"

/**
 * Builds a layer without the memoisation of layers by reference. So two servers in one process share nothing, and every use
 * of one server gets the same instance. `Layer.fresh` would build an instance for each use.
 */
export const apart = <A, E, R>(layer: Layer.Layer<A, E, R>) => Layer.scopedContext(Layer.build(layer))

/** All services of a server. */
export type { Services } from "./Services.js"

/** Builds the services without the endpoints, for a command next to a running server. */
export const layerServices = (options: SettingsOptions) =>
  Layer.scopedContext(
    Effect.map(Layer.build(Services.layer(options)), (services) => Context.add(services, ServerContext, services))
  )

/** The endpoints of an authorization server, and the metadata of its resources. */
const endpoints = Layer.mergeAll(
  AccountEndpoint.layer,
  AuthorizeEndpoint.layer,
  ClientConfigurationEndpoint.layer,
  ConsentEndpoint.layer,
  HealthEndpoints.layer,
  IntrospectEndpoint.layer,
  LoginEndpoint.layer,
  LogoutEndpoint.layer,
  MetadataEndpoint.layer,
  Page.layerRouter,
  ProtectedResourceEndpoint.layer,
  RegisterEndpoint.layer,
  RevokeEndpoint.layer,
  TokenEndpoint.layer
)

/** The background work of a running server. A command has none. */
const background = OnServerClock.background(Layer.merge(MaintenanceSchedule.layer, Readiness.layerOutageLog))

/** Builds a server: its endpoints on the app's router, and its services. */
export const layer = (options: SettingsOptions) =>
  Layer.provideMerge(
    apart(Layer.provideMerge(Layer.mergeAll(endpoints, background, OnServerClock.requests), ClockCheck.layerStart)),
    layerServices(options)
  )
