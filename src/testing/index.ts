/**
 * Helpers for the tests of an app, with any test runner. The contract of a storage is another module,
 * `latchkey/testing/StorageContract`, because it needs vitest.
 */
export * as TestClient from "./TestClient.js"
export * as TokenVerifier from "./TokenVerifier.js"
