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
import * as Pages from "../http/pages/Pages.js"
import * as RegisterEndpoint from "../http/RegisterEndpoint.js"
import * as ResourceOwner from "../http/ResourceOwner.js"
import * as RevokeEndpoint from "../http/RevokeEndpoint.js"
import * as TokenEndpoint from "../http/TokenEndpoint.js"
import * as AccessTokens from "../services/AccessTokens.js"
import * as Accounts from "../services/Accounts.js"
import * as Approvals from "../services/Approvals.js"
import * as AuthorizationRequests from "../services/AuthorizationRequests.js"
import * as ClientAuthenticator from "../services/ClientAuthenticator.js"
import * as ClientRegistration from "../services/ClientRegistration.js"
import * as ClockCheck from "../services/ClockCheck.js"
import * as Events from "../services/Events.js"
import * as Forms from "../services/Forms.js"
import * as GrantTypes from "../services/GrantTypes.js"
import * as AuthorizationCodeGrant from "../services/grants/AuthorizationCodeGrant.js"
import * as ClientCredentialsGrant from "../services/grants/ClientCredentialsGrant.js"
import * as RefreshTokenGrant from "../services/grants/RefreshTokenGrant.js"
import * as Introspection from "../services/Introspection.js"
import * as KeyRotation from "../services/KeyRotation.js"
import * as Keyring from "../services/Keyring.js"
import * as KnownBrowsers from "../services/KnownBrowsers.js"
import * as LoginThrottle from "../services/LoginThrottle.js"
import { PasswordHasher } from "../services/PasswordHasher.js"
import * as RateLimiter from "../services/RateLimiter.js"
import * as Readiness from "../services/Readiness.js"
import * as RefreshChain from "../services/RefreshChain.js"
import * as ResourceRegistration from "../services/ResourceRegistration.js"
import * as Resources from "../services/Resources.js"
import * as Revocation from "../services/Revocation.js"
import * as ScopePolicy from "../services/ScopePolicy.js"
import * as Seals from "../services/Seals.js"
import * as ServerClock from "../services/ServerClock.js"
import * as ServerMetadata from "../services/ServerMetadata.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as Sessions from "../services/Sessions.js"
import * as Storage from "../services/Storage.js"
import * as TakingAway from "../services/TakingAway.js"
import * as TokenVerifier from "../services/TokenVerifier.js"
import * as Upkeep from "../services/Upkeep.js"
import * as Argon2 from "./Argon2.js"
import * as Seam from "./Seam.js"
import { type SettingsOptions, toSettings } from "./SettingsOptions.js"

/**
 * Two servers in one process share nothing, though layers are memoised by reference; and wherever one server is used, it
 * is the same. `Layer.fresh` would build it anew for each use.
 */
export const apart = <A, E, R>(layer: Layer.Layer<A, E, R>) => Layer.scopedContext(Layer.build(layer))

/** What an app may change by a layer of its own. */
const seams = Layer.mergeAll(
  Seam.layer(Pages.Pages, Pages.layerStandard),
  Seam.layer(ResourceOwner.ResourceOwner, ResourceOwner.layerBuiltIn),
  Seam.layer(ScopePolicy.ScopePolicy, ScopePolicy.layerEverything)
)

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
    Seam.layer(RateLimiter.RateLimiter, RateLimiter.layerMemory()),
    Readiness.layer,
    ResourceRegistration.layer,
    Revocation.layer,
    ServerMetadata.layer,
    Sessions.layer,
    TakingAway.layer,
    TokenVerifier.layerLocal,
    Layer.provideMerge(Upkeep.layer, KeyRotation.layer),
    grants
  )
  const all = services.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        AccessTokens.layer,
        ClientAuthenticator.layer,
        GrantTypes.layerRegistry,
        Layer.provideMerge(LoginThrottle.layer, KnownBrowsers.layer),
        RefreshChain.layer
      )
    ),
    Layer.provideMerge(Seals.layer),
    Layer.provideMerge(Keyring.layer),
    Layer.provideMerge(
      Layer.mergeAll(Seam.layer(PasswordHasher, Argon2.layer()), Events.layer, Resources.layer, seams)
    ),
    Layer.provideMerge(stores),
    Layer.provideMerge(Layer.merge(settings, ServerClock.layer))
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

/** What a running server does by itself; a command beside it does not. */
const background = Layer.merge(
  Layer.provide(Upkeep.layerPasses, Seam.layer(Upkeep.Pace, Upkeep.layerPace)),
  Readiness.layerWatch
)

/** An authorization server: its endpoints on the app's router, and the services that guard the app's own routes. */
export const layer = (options: SettingsOptions) =>
  Layer.provideMerge(
    apart(Layer.provideMerge(Layer.merge(endpoints, background), ClockCheck.layerStart)),
    layerServices(options)
  )
