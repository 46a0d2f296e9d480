/**
 * The whole authorization server as one layer, to be merged into an app beside its own routes.
 *
 * @example
 * const Auth = AuthLayer.layer({
 *   issuer: "https://notes.example.com",
 *   resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }]
 * }).pipe(Layer.provide(SqliteStore.layer({ filename: "auth.db" })))
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AccountEndpoint from "../http/AccountEndpoint.js"
import * as AuthorizeEndpoint from "../http/AuthorizeEndpoint.js"
import * as ConsentEndpoint from "../http/ConsentEndpoint.js"
import * as HealthEndpoints from "../http/HealthEndpoints.js"
import * as IntrospectEndpoint from "../http/IntrospectEndpoint.js"
import * as LoginEndpoint from "../http/LoginEndpoint.js"
import * as LogoutEndpoint from "../http/LogoutEndpoint.js"
import * as MetadataEndpoint from "../http/MetadataEndpoint.js"
import * as ProtectedResourceEndpoint from "../http/ProtectedResourceEndpoint.js"
import * as RegisterEndpoint from "../http/RegisterEndpoint.js"
import * as RevokeEndpoint from "../http/RevokeEndpoint.js"
import * as TokenEndpoint from "../http/TokenEndpoint.js"
import * as AccessTokens from "../services/AccessTokens.js"
import * as Accounts from "../services/Accounts.js"
import * as Approvals from "../services/Approvals.js"
import * as AuthorizationRequests from "../services/AuthorizationRequests.js"
import * as ClientAuthenticator from "../services/ClientAuthenticator.js"
import * as ClientRegistration from "../services/ClientRegistration.js"
import * as Events from "../services/Events.js"
import * as Forms from "../services/Forms.js"
import * as GrantTypes from "../services/GrantTypes.js"
import * as AuthorizationCodeGrant from "../services/grants/AuthorizationCodeGrant.js"
import * as ClientCredentialsGrant from "../services/grants/ClientCredentialsGrant.js"
import * as RefreshTokenGrant from "../services/grants/RefreshTokenGrant.js"
import * as Introspection from "../services/Introspection.js"
import * as Keyring from "../services/Keyring.js"
import * as LoginThrottle from "../services/LoginThrottle.js"
import * as Readiness from "../services/Readiness.js"
import * as RefreshChain from "../services/RefreshChain.js"
import * as ResourceRegistration from "../services/ResourceRegistration.js"
import * as Resources from "../services/Resources.js"
import * as Revocation from "../services/Revocation.js"
import * as Seals from "../services/Seals.js"
import * as ServerMetadata from "../services/ServerMetadata.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Sessions from "../services/Sessions.js"
import * as Storage from "../services/Storage.js"
import * as TakingAway from "../services/TakingAway.js"
import * as TokenVerifier from "../services/TokenVerifier.js"
import * as Argon2 from "./Argon2.js"
import { type SettingsOptions, toSettings } from "./SettingsOptions.js"

/**
 * Two servers in one process share nothing, though layers are memoised by reference; and wherever one server is used, it
 * is the same. `Layer.fresh` would build it anew for each use.
 */
export const apart = <A, E, R>(layer: Layer.Layer<A, E, R>) => Layer.scopedContext(Layer.build(layer))

/** Everything but the endpoints: what a command beside a running server needs. */
export const layerServices = (options: SettingsOptions) => {
  const settings = Layer.effect(ServerSettings, toSettings(options))
  const stores = Layer.unwrapEffect(Effect.map(ServerSettings, ({ issuer }) => Storage.layerStores(issuer)))
  const grants = Layer.mergeAll(AuthorizationCodeGrant.layer, ClientCredentialsGrant.layer, RefreshTokenGrant.layer)
  const services = Layer.mergeAll(
    Accounts.layer,
    Approvals.layer,
    AuthorizationRequests.layer,
    ClientRegistration.layer,
    Forms.layer,
    Introspection.layer,
    LoginThrottle.layer,
    Readiness.layer,
    ResourceRegistration.layer,
    Revocation.layer,
    ServerMetadata.layer,
    Sessions.layer,
    TakingAway.layer,
    TokenVerifier.layerLocal,
    grants
  )
  const all = services.pipe(
    Layer.provideMerge(
      Layer.mergeAll(AccessTokens.layer, ClientAuthenticator.layer, GrantTypes.layerRegistry, RefreshChain.layer)
    ),
    Layer.provideMerge(Seals.layer),
    Layer.provideMerge(Keyring.layer),
    Layer.provideMerge(Layer.mergeAll(Argon2.layer(), Events.layer, Resources.layer)),
    Layer.provideMerge(stores),
    Layer.provideMerge(settings)
  )
  return apart(all)
}

/** The endpoints of an authorization server, and the metadata of its resources. */
const endpoints = Layer.mergeAll(
  AccountEndpoint.layer,
  AuthorizeEndpoint.layer,
  ConsentEndpoint.layer,
  HealthEndpoints.layer,
  IntrospectEndpoint.layer,
  LoginEndpoint.layer,
  LogoutEndpoint.layer,
  MetadataEndpoint.layer,
  ProtectedResourceEndpoint.layer,
  RegisterEndpoint.layer,
  RevokeEndpoint.layer,
  TokenEndpoint.layer
)

/** An authorization server: its endpoints on the app's router, and the services that guard the app's own routes. */
export const layer = (options: SettingsOptions) => Layer.provideMerge(apart(endpoints), layerServices(options))
