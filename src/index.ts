/**
 * Latchkey: an OAuth 2.1 authorization server and bearer guard, made of Effect services.
 *
 * The stores have modules of their own, since each brings its driver: `latchkey/SqliteStorage`,
 * `latchkey/MemoryStorage`.
 */

export * as ResourceOwner from "./http/browser/ResourceOwner.js"
export * as BearerAuth from "./http/guard/BearerAuth.js"
export * as BearerAuthApi from "./http/guard/BearerAuthApi.js"
export * as Pages from "./http/pages/Pages.js"
export * as AuthLayer from "./layers/AuthLayer.js"
export * as ScopePolicy from "./services/ScopePolicy.js"
export { type Access, CurrentAccess } from "./services/tokens/CurrentAccess.js"
