/** The services of an authorization server, and what they stand on. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Page from "../../http/Page.js"
import * as Pages from "../../http/pages/Pages.js"
import * as ResourceOwner from "../../http/ResourceOwner.js"
import * as AccessTokens from "../../services/AccessTokens.js"
import * as Accounts from "../../services/Accounts.js"
import * as Approvals from "../../services/Approvals.js"
import * as AuthorizationRequests from "../../services/AuthorizationRequests.js"
import * as ClientAuthenticator from "../../services/ClientAuthenticator.js"
import * as ClientRegistration from "../../services/ClientRegistration.js"
import * as Events from "../../services/Events.js"
import * as Forms from "../../services/Forms.js"
import * as GrantTypes from "../../services/GrantTypes.js"
import * as AuthorizationCodeGrant from "../../services/grants/AuthorizationCodeGrant.js"
import * as ClientCredentialsGrant from "../../services/grants/ClientCredentialsGrant.js"
import * as RefreshTokenGrant from "../../services/grants/RefreshTokenGrant.js"
import * as Introspection from "../../services/Introspection.js"
import * as KeyRotation from "../../services/KeyRotation.js"
import * as Keyring from "../../services/Keyring.js"
import * as KnownBrowsers from "../../services/KnownBrowsers.js"
import * as LoginThrottle from "../../services/LoginThrottle.js"
import { PasswordHasher } from "../../services/PasswordHasher.js"
import * as RateLimiter from "../../services/RateLimiter.js"
import * as Readiness from "../../services/Readiness.js"
import * as RefreshChain from "../../services/RefreshChain.js"
import * as ResourceRegistration from "../../services/ResourceRegistration.js"
import * as Resources from "../../services/Resources.js"
import * as Revocation from "../../services/Revocation.js"
import * as ScopePolicy from "../../services/ScopePolicy.js"
import * as Seals from "../../services/Seals.js"
import * as ServerClock from "../../services/ServerClock.js"
import * as ServerMetadata from "../../services/ServerMetadata.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Sessions from "../../services/Sessions.js"
import * as Storage from "../../services/Storage.js"
import * as TakingAway from "../../services/TakingAway.js"
import * as TokenVerifier from "../../services/TokenVerifier.js"
import * as Upkeep from "../../services/Upkeep.js"
import * as Argon2 from "../Argon2.js"
import * as Seam from "../Seam.js"
import { type SettingsOptions, toSettings } from "../SettingsOptions.js"

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
    Accounts.layer,
    Approvals.layer,
    AuthorizationRequests.layer,
    Layer.provideMerge(ClientRegistration.layer, TakingAway.layer),
    Forms.layer,
    Introspection.layer,
    Seam.layer(RateLimiter.RateLimiter, RateLimiter.layerMemory()),
    Readiness.layer,
    ResourceRegistration.layer,
    Revocation.layer,
    ServerMetadata.layer,
    Sessions.layer,
    TokenVerifier.layerLocal,
    Layer.provideMerge(Upkeep.layer, KeyRotation.layer),
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
