/** A custom storage keeps the promises of every storage. */
import { Effect, Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { storageContract } from "latchkey/testing/StorageContract"
import * as AuditedStore from "./AuditedStore.js"

const Silent = Layer.succeed(AuditedStore.Auditor, { revoked: () => Effect.void })

storageContract("AuditedStore", AuditedStore.layer.pipe(Layer.provide([MemoryStorage.layer, Silent])))
