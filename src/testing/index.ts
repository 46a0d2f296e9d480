/** What a storage, or a rate limiter, promises, as tests for vitest: for whoever writes one. Needs `vitest` and `@effect/vitest`. */
export * as RateLimiterContract from "./contracts/rateLimiterContract.js"
export { type Capabilities, type Given, type IsToFail, storeContract } from "./StorageContract.js"
