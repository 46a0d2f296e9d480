/** The services of an authorization server, and what they stand on. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Page from "../../http/browser/Page.js"
import * as ResourceOwner from "../../http/browser/ResourceOwner.js"
import * as Pages from "../../http/pages/Pages.js"
import * as Accounts from "../../services/accounts/Accounts.js"
import * as KnownBrowsers from "../../services/accounts/KnownBrowsers.js"
import * as LoginThrottle from "../../services/accounts/LoginThrottle.js"
import { PasswordHasher } from "../../services/accounts/PasswordHasher.js"
import * as Sessions from "../../services/accounts/Sessions.js"
import * as Approvals from "../../services/authorization/Approvals.js"
import * as AuthorizationRequests from "../../services/authorization/AuthorizationRequests.js"
import * as KnownTargets from "../../services/authorization/KnownTargets.js"
import * as SealedForms from "../../services/authorization/SealedForms.js"
import * as ClientAuthenticator from "../../services/ClientAuthenticator.js"
import * as ClientRegistration from "../../services/clients/ClientRegistration.js"
import * as Clients from "../../services/clients/Clients.js"
import * as Events from "../../services/events/Events.js"
import * as GrantTypes from "../../services/GrantTypes.js"
import * as AuthorizationCodeGrant from "../../services/grants/AuthorizationCodeGrant.js"
import * as ClientCredentialsGrant from "../../services/grants/ClientCredentialsGrant.js"
import * as GrantRevocation from "../../services/grants/GrantRevocation.js"
import * as RefreshTokenGrant from "../../services/grants/RefreshTokenGrant.js"
import * as Keyring from "../../services/keys/Keyring.js"
import * as Seals from "../../services/keys/Seals.js"
import * as KeyRotation from "../../services/maintenance/KeyRotation.js"
import * as Maintenance from "../../services/maintenance/Maintenance.js"
import * as Readiness from "../../services/maintenance/Readiness.js"
import * as RateLimiter from "../../services/RateLimiter.js"
import * as ResourceRegistration from "../../services/resources/ResourceRegistration.js"
import * as Resources from "../../services/resources/Resources.js"
import * as ScopePolicy from "../../services/ScopePolicy.js"
import * as ServerClock from "../../services/ServerClock.js"
import * as ServerMetadata from "../../services/ServerMetadata.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Storage from "../../services/stores/Storage.js"
import * as AccessTokens from "../../services/tokens/AccessTokens.js"
import * as Introspection from "../../services/tokens/Introspection.js"
import * as RefreshChain from "../../services/tokens/RefreshChain.js"
import * as TokenRevocation from "../../services/tokens/TokenRevocation.js"
import * as TokenVerifier from "../../services/tokens/TokenVerifier.js"
import { type SettingsOptions, toSettings } from "../settings/SettingsOptions.js"
import * as Argon2 from "./Argon2.js"
import * as Seam from "./Seam.js"

/** What an app may change by a layer of its own. */
const seams = Layer.mergeAll(
  Seam.layer(Pages.Pages, Pages.layerStandard),
  Seam.layer(ResourceOwner.ResourceOwner, ResourceOwner.layerBuiltIn),
  Seam.layer(ScopePolicy.ScopePolicy, ScopePolicy.layerEverything)
)

/** All services of an authorization server; its endpoints stand on them. */
export const layer = (options: SettingsOptions) => {
  const settings = Layer.effect(ServerSettings, toSettings(options))
  const stores = Layer.unwrapEffect(Effect.map(ServerSettings, ({ issuer }) => Storage.layerStores(issuer)))
  const grants = Layer.mergeAll(AuthorizationCodeGrant.layer, ClientCredentialsGrant.layer, RefreshTokenGrant.layer)
  const services = Layer.mergeAll(
    Approvals.layer,
    AuthorizationRequests.layer,
    Layer.provideMerge(
      Layer.merge(Accounts.layer, Layer.provideMerge(ClientRegistration.layer, Clients.layer)),
      GrantRevocation.layer
    ),
    KnownTargets.layer,
    SealedForms.layer,
    Introspection.layer,
    Seam.layer(RateLimiter.RateLimiter, RateLimiter.layerMemory()),
    Readiness.layer,
    ResourceRegistration.layer,
    TokenRevocation.layer,
    ServerMetadata.layer,
    Sessions.layer,
    TokenVerifier.layerLocal,
    Layer.provideMerge(Maintenance.layer, KeyRotation.layer),
    grants
  )
  return services.pipe(
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
      Layer.mergeAll(Seam.layer(PasswordHasher, Argon2.layer()), Events.layer, Resources.layer, Page.layer)
    ),
    Layer.provideMerge(seams),
    Layer.provideMerge(stores),
    Layer.provideMerge(Layer.merge(settings, ServerClock.layer))
  )
}

/** The services of a server. */
export type Services = Layer.Layer.Success<ReturnType<typeof layer>>
