/**
 * The whole authorization server as one layer, to be merged into an app beside its own routes.
 *
 * @example
 * const Auth = AuthLayer.layer({
 *   issuer: "https://notes.example.com",
 *   resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }]
 * }).pipe(Layer.provide(SqliteStore.layer({ filename: "auth.db" })))
 */
import type { HttpRouter } from "@effect/platform/HttpLayerRouter"
import type * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import type { AccessTokens } from "../services/AccessTokens.js"
import type { Accounts } from "../services/Accounts.js"
import type { ClientRegistration } from "../services/ClientRegistration.js"
import type { ClockWentBack } from "../services/ClockCheck.js"
import type { Events } from "../services/Events.js"
import type { GrantTypes } from "../services/GrantTypes.js"
import type { WrongMasterKey } from "../services/Keyring.js"
import type { Readiness } from "../services/Readiness.js"
import type { ResourceRegistration } from "../services/ResourceRegistration.js"
import type { Resources } from "../services/Resources.js"
import type { ServerSettings } from "../services/ServerSettings.js"
import type { Storage } from "../services/Storage.js"
import type { TakingAway } from "../services/TakingAway.js"
import type { TokenVerifier } from "../services/TokenVerifier.js"
import * as AuthServer from "./internal/AuthServer.js"
import type { ServerServices } from "./ServerServices.js"
import type { SettingsError, SettingsOptions } from "./SettingsOptions.js"

/**
 * The services of a server that apps use: to guard routes, to issue access tokens from a grant type of their own, to make
 * and revoke accounts, clients, resources and grants, and to read events.
 */
export type AuthServices =
  | AccessTokens
  | Accounts
  | ClientRegistration
  | Events
  | GrantTypes
  | Readiness
  | ResourceRegistration
  | Resources
  | ServerServices
  | ServerSettings
  | TakingAway
  | TokenVerifier

/** Why the services of a server do not start: its settings, the master key, or a storage that does not answer. */
export type AuthServicesError = SettingsError | TemporarilyUnavailable | WrongMasterKey

/** The services of a server without its endpoints, for a program beside a running server, such as one that makes accounts. */
export const layerServices: (options: SettingsOptions) => Layer.Layer<AuthServices, AuthServicesError, Storage> =
  AuthServer.layerServices

/** An authorization server: its endpoints on the app's router, and the services that apps use. */
export const layer: (
  options: SettingsOptions
) => Layer.Layer<AuthServices, AuthServicesError | ClockWentBack, HttpRouter | Storage> = AuthServer.layer
