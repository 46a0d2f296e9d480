/** Helpers for the tests of an app. The contract of a storage is `latchkey/testing/StorageContract`, which needs vitest. */
export {}
