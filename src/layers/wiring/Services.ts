/** The services of an authorization server, in the order of their dependencies. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { ResourceOwner } from "../../http/browser/ResourceOwner.js"
import { Pages } from "../../http/pages/Pages.js"
import * as Page from "../../http/wire/Page.js"
import * as AuthMethods from "../../services/AuthMethods.js"
import * as AccountOverview from "../../services/accounts/AccountOverview.js"
import * as Accounts from "../../services/accounts/Accounts.js"
import * as FailedLogins from "../../services/accounts/FailedLogins.js"
import * as KnownBrowsers from "../../services/accounts/KnownBrowsers.js"
import * as LoginThrottle from "../../services/accounts/LoginThrottle.js"
import { PasswordHasher } from "../../services/accounts/PasswordHasher.js"
import * as Sessions from "../../services/accounts/Sessions.js"
import * as Approvals from "../../services/authorization/Approvals.js"
import * as AuthorizationRequests from "../../services/authorization/AuthorizationRequests.js"
import * as KnownTargets from "../../services/authorization/KnownTargets.js"
import * as SealedForms from "../../services/authorization/SealedForms.js"
import * as ClientAuthenticator from "../../services/clients/ClientAuthenticator.js"
import * as ClientConfiguration from "../../services/clients/ClientConfiguration.js"
import * as ClientDocuments from "../../services/clients/ClientDocuments.js"
import * as ClientKeys from "../../services/clients/ClientKeys.js"
import * as ClientRegistration from "../../services/clients/ClientRegistration.js"
import * as Clients from "../../services/clients/Clients.js"
import { ClientTrust } from "../../services/clients/ClientTrust.js"
import * as InitialAccessTokens from "../../services/clients/InitialAccessTokens.js"
import * as IntrospectionCallers from "../../services/clients/IntrospectionCallers.js"
import * as PrivateKeyJwt from "../../services/clients/PrivateKeyJwt.js"
import * as SecretMethods from "../../services/clients/SecretMethods.js"
import * as SoftwareStatements from "../../services/clients/SoftwareStatements.js"
import * as Events from "../../services/events/Events.js"
import * as GrantTypes from "../../services/GrantTypes.js"
import * as AuthorizationCodeGrant from "../../services/grants/AuthorizationCodeGrant.js"
import * as ClientCredentialsGrant from "../../services/grants/ClientCredentialsGrant.js"
import * as GrantHistory from "../../services/grants/GrantHistory.js"
import * as GrantRevocation from "../../services/grants/GrantRevocation.js"
import * as RefreshTokenGrant from "../../services/grants/RefreshTokenGrant.js"
import * as Keyring from "../../services/keys/Keyring.js"
import * as Seals from "../../services/keys/Seals.js"
import * as ClockCheck from "../../services/maintenance/ClockCheck.js"
import * as KeyRotation from "../../services/maintenance/KeyRotation.js"
import * as Maintenance from "../../services/maintenance/Maintenance.js"
import * as Readiness from "../../services/maintenance/Readiness.js"
import * as ServerMetadata from "../../services/metadata/ServerMetadata.js"
import { OutboundClient } from "../../services/outbound/OutboundClient.js"
import * as RateLimiter from "../../services/RateLimiter.js"
import * as ResourceRegistration from "../../services/resources/ResourceRegistration.js"
import * as Resources from "../../services/resources/Resources.js"
import { ScopePolicy } from "../../services/ScopePolicy.js"
import * as ServerClock from "../../services/ServerClock.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Storage from "../../services/stores/Storage.js"
import * as AccessTokens from "../../services/tokens/AccessTokens.js"
import * as Introspection from "../../services/tokens/Introspection.js"
import * as RefreshChain from "../../services/tokens/RefreshChain.js"
import * as TokenRevocation from "../../services/tokens/TokenRevocation.js"
import * as TokenVerifier from "../../services/tokens/TokenVerifier.js"
import * as GuardedOutboundClient from "../outbound/GuardedOutboundClient.js"
import * as Argon2 from "../passwords/Argon2.js"
import { type SettingsOptions, toSettings } from "../settings/SettingsOptions.js"

/**
 * Writes the values that the app provided, or the defaults, into the context of the services. Layers that run later with
 * this context, such as `AdminApi`, then see the same values.
 */
const seams = Layer.mergeAll(
  Layer.effect(Pages, Pages),
  Layer.effect(ResourceOwner, ResourceOwner),
  Layer.effect(ScopePolicy, ScopePolicy),
  Layer.effect(ClientTrust, ClientTrust)
)

/**
 * Returns the service that the app provided, or else builds the standard one. It is for services with state, which cannot
 * be a `Context.Reference`. The app need not provide it, so no type names it.
 */
const providedOr = <I, S, E, R>(tag: Context.Tag<I, S>, standard: Layer.Layer<I, E, R>): Layer.Layer<I, E, R> =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.serviceOption(tag),
      Option.match({
        onNone: () => standard,
        onSome: (provided): Layer.Layer<I, E, R> => Layer.succeed(tag, provided)
      })
    )
  )

/** Builds all services of an authorization server. The endpoints use them. */
export const layer = (options: SettingsOptions) => {
  const settings = Layer.effect(ServerSettings, toSettings(options))
  const stores = Layer.unwrapEffect(Effect.map(ServerSettings, ({ issuer }) => Storage.layerStores(issuer)))
  const grants = Layer.mergeAll(AuthorizationCodeGrant.layer, ClientCredentialsGrant.layer, RefreshTokenGrant.layer)
  const services = Layer.mergeAll(
    Approvals.layer,
    AuthorizationRequests.layer,
    Layer.merge(ClientRegistration.layer, ClientConfiguration.layer).pipe(
      Layer.provideMerge(Layer.mergeAll(Clients.layer, InitialAccessTokens.layer, SoftwareStatements.layer))
    ),
    Layer.provideMerge(AccountOverview.layer, Layer.merge(Accounts.layer, Sessions.layer)),
    KnownTargets.layer,
    SealedForms.layer,
    Introspection.layer,
    IntrospectionCallers.layer,
    providedOr(RateLimiter.RateLimiter, RateLimiter.layerMemory()),
    Readiness.layer,
    ResourceRegistration.layer,
    TokenRevocation.layer,
    ServerMetadata.layer,
    TokenVerifier.layerLocal,
    Layer.provideMerge(Maintenance.layer, Layer.merge(ClockCheck.layer, KeyRotation.layer)),
    grants,
    Layer.provideMerge(PrivateKeyJwt.layer, Layer.merge(SecretMethods.layer, ClientKeys.layer))
  )
  return services.pipe(
    Layer.provideMerge(ClientDocuments.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        AccessTokens.layer,
        Layer.provideMerge(ClientAuthenticator.layer, AuthMethods.layerEmpty),
        GrantHistory.layer,
        GrantRevocation.layer,
        GrantTypes.layerEmpty,
        Layer.provideMerge(LoginThrottle.layer, KnownBrowsers.layer),
        FailedLogins.layer,
        RefreshChain.layer
      )
    ),
    Layer.provideMerge(Seals.layer),
    Layer.provideMerge(Keyring.layer),
    Layer.provideMerge(
      Layer.mergeAll(
        providedOr(PasswordHasher, Argon2.layer()),
        providedOr(OutboundClient, GuardedOutboundClient.layer()),
        Events.layer,
        Resources.layer,
        Page.layer
      )
    ),
    Layer.provideMerge(seams),
    Layer.provideMerge(stores),
    Layer.provideMerge(Layer.merge(settings, ServerClock.layer))
  )
}

/** The services of a server. */
export type Services = Layer.Layer.Success<ReturnType<typeof layer>>
