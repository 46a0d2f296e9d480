/**
 * Latchkey: an OAuth 2.1 authorization server and bearer guard, made of Effect services.
 *
 * The stores have modules of their own, since each brings its driver: `latchkey/layers/SqliteStore`,
 * `latchkey/layers/MemoryStore`.
 */
export * as BearerAuth from "./http/BearerAuth.js"
export * as BearerAuthApi from "./http/BearerAuthApi.js"
export * as Pages from "./http/pages/Pages.js"
export * as ResourceOwner from "./http/ResourceOwner.js"
export * as AuthLayer from "./layers/AuthLayer.js"
export { type Access, CurrentAccess } from "./services/CurrentAccess.js"
export * as ScopePolicy from "./services/ScopePolicy.js"
