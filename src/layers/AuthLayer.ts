/**
 * The whole authorization server as one layer, next to the routes of an app.
 *
 * @example
 * import { Layer } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as SqliteStorage from "latchkey/SqliteStorage"
 *
 * const Auth = AuthLayer.layer({
 *   issuer: "https://notes.example.com",
 *   resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }]
 * }).pipe(Layer.provide(SqliteStorage.layer({ filename: "auth.db" })))
 */
import type { HttpRouter } from "@effect/platform/HttpLayerRouter"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import type { AuthMethods } from "../services/AuthMethods.js"
import type { Accounts } from "../services/accounts/Accounts.js"
import type { ClientRegistration } from "../services/clients/ClientRegistration.js"
import type { Clients } from "../services/clients/Clients.js"
import type { InitialAccessTokens } from "../services/clients/InitialAccessTokens.js"
import type { Events } from "../services/events/Events.js"
import type { GrantTypes } from "../services/GrantTypes.js"
import type { GrantRevocation } from "../services/grants/GrantRevocation.js"
import type { WrongMasterKey } from "../services/keys/Keyring.js"
import type { ClockWentBack } from "../services/maintenance/ClockCheck.js"
import type { Readiness } from "../services/maintenance/Readiness.js"
import type { ResourceRegistration } from "../services/resources/ResourceRegistration.js"
import type { Resources } from "../services/resources/Resources.js"
import type { ServerSettings } from "../services/ServerSettings.js"
import type { Storage } from "../services/stores/Storage.js"
import type { AccessTokens } from "../services/tokens/AccessTokens.js"
import type { TokenVerifier } from "../services/tokens/TokenVerifier.js"
import type { SettingsError, SettingsOptions } from "./settings/SettingsOptions.js"
import * as AuthServer from "./wiring/AuthServer.js"
import type { ServerContext } from "./wiring/ServerContext.js"

/**
 * The services for apps. With them an app guards routes, issues access tokens from its own grant type, creates and revokes
 * accounts, clients, resources and grants, and reads events.
 */
export type AuthServices =
  | AccessTokens
  | Accounts
  | AuthMethods
  | ClientRegistration
  | Clients
  | Events
  | GrantRevocation
  | GrantTypes
  | InitialAccessTokens
  | Readiness
  | ResourceRegistration
  | Resources
  | ServerContext
  | ServerSettings
  | TokenVerifier

/** The errors of the services at the start: invalid settings, a wrong master key, or a storage that does not answer. */
export type AuthServicesError = SettingsError | TemporarilyUnavailable | WrongMasterKey

/** The errors of a server at the start: those of its services, or a system clock that is behind the latest stored time. */
export type AuthLayerError = AuthServicesError | ClockWentBack

/** Returns the services without the endpoints, for a program next to a running server, such as one that creates accounts. */
export const layerServices: (options: SettingsOptions) => Layer.Layer<AuthServices, AuthServicesError, Storage> =
  AuthServer.layerServices

/** Returns an authorization server: its endpoints on the app's router, and the services for apps. */
export const layer: (options: SettingsOptions) => Layer.Layer<AuthServices, AuthLayerError, HttpRouter | Storage> =
  AuthServer.layer

/**
 * Returns the same server with options from configuration. Each option is a config, or an object of configs.
 *
 * @example
 * import { Config } from "effect"
 * import { AuthLayer } from "latchkey"
 *
 * export const Auth = AuthLayer.layerConfig({
 *   issuer: Config.string("ISSUER"),
 *   resources: Config.succeed([]),
 *   lifetimes: { session: Config.duration("SESSION").pipe(Config.withDefault("12 hours")) }
 * })
 */
export const layerConfig = (
  options: Config.Config.Wrap<SettingsOptions>
): Layer.Layer<AuthServices, AuthLayerError | ConfigError, HttpRouter | Storage> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))
