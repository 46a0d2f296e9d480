/**
 * Latchkey: an OAuth 2.1 authorization server and bearer guard, made of Effect services.
 *
 * Every public module is also `latchkey/<Module>`, such as `latchkey/CurrentAccess`. Storages and `NodeServer` are only
 * there, because each loads its driver.
 */

export * as Scope from "./domain/Scope.js"
export * as ResourceOwner from "./http/browser/ResourceOwner.js"
export * as BearerAuth from "./http/guard/BearerAuth.js"
export * as BearerAuthApi from "./http/guard/BearerAuthApi.js"
export * as Pages from "./http/pages/Pages.js"
export * as AuthLayer from "./layers/AuthLayer.js"
export * as WebHandler from "./layers/WebHandler.js"
export * as AuthMethods from "./services/AuthMethods.js"
export * as Accounts from "./services/accounts/Accounts.js"
export * as ClientRegistration from "./services/clients/ClientRegistration.js"
export * as Clients from "./services/clients/Clients.js"
export * as ClientTrust from "./services/clients/ClientTrust.js"
export * as Events from "./services/events/Events.js"
export * as GrantTypes from "./services/GrantTypes.js"
export * as GrantRevocation from "./services/grants/GrantRevocation.js"
export * as RateLimiter from "./services/RateLimiter.js"
export * as ScopePolicy from "./services/ScopePolicy.js"
export * as Storage from "./services/stores/Storage.js"
export * as CurrentAccess from "./services/tokens/CurrentAccess.js"
export * as TokenVerifier from "./services/tokens/TokenVerifier.js"
