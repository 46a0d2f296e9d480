/** All promises of a storage, as tests. A server relies on them with every storage. */
import { layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Storage } from "../services/stores/Storage.js"
import { accountContract } from "./contracts/accountContract.js"
import { atomicityContract, type IsToFail } from "./contracts/atomicityContract.js"
import { clientContract } from "./contracts/clientContract.js"
import { approveContract, redeemContract } from "./contracts/codeContract.js"
import { consentContract } from "./contracts/consentContract.js"
import { dynamicClientContract } from "./contracts/dynamicClientContract.js"
import { eventContract } from "./contracts/eventContract.js"
import { findContract, revokeContract } from "./contracts/grantContract.js"
import { listContract, pruneContract } from "./contracts/grantMaintenance.js"
import { raceContract } from "./contracts/grantRaces.js"
import { highWaterMarkContract } from "./contracts/highWaterMarkContract.js"
import { initialAccessTokenContract } from "./contracts/initialAccessTokenContract.js"
import { keyContract } from "./contracts/keyContract.js"
import { leaseContract } from "./contracts/leaseContract.js"
import { loginCounterContract } from "./contracts/loginCounterContract.js"
import * as Nodes from "./contracts/Nodes.js"
import { networkContract } from "./contracts/networkContract.js"
import { pageContract } from "./contracts/pageContract.js"
import { resealContract } from "./contracts/resealContract.js"
import { resourceContract } from "./contracts/resourceContract.js"
import { restartContract } from "./contracts/restartContract.js"
import { revisionContract } from "./contracts/revisionContract.js"
import { revokedTokenContract } from "./contracts/revokedTokenContract.js"
import { retryContract, rotateContract } from "./contracts/rotationContract.js"
import { sessionContract } from "./contracts/sessionContract.js"
import { spentAssertionContract } from "./contracts/spentAssertionContract.js"
import { historyContract } from "./histories/grantHistories.js"
import { sundryContract } from "./histories/sundryHistories.js"
import { worldContract } from "./histories/worldHistories.js"

export type { IsToFail } from "./contracts/atomicityContract.js"

/** Optional properties of a storage. The report marks the tests of a property that is not claimed as left out. */
export interface Capabilities<E> {
  /** Number of nodes that may share the data. The layer is built once for each node. Default: 1. */
  readonly nodes?: 1 | 2
  /** Whether acknowledged writes are stored after the storage was closed and opened again. */
  readonly isDurable?: boolean
  /** Optional stores that the storage replaces by `noop`, or that it does not share between its nodes. */
  readonly lacks?: ReadonlyArray<"leases" | "highWaterMark">
  /** Number of random histories of all verbs together, and of some ports alone. A fast storage should run more. Default: 20. */
  readonly histories?: number
  /** Makes the same storage, but it asks before and after each of its statements, or steps, whether the statement must fail. */
  readonly failing?: (isToFail: IsToFail) => Effect.Effect<Layer.Layer<Storage, E>, E, Scope.Scope>
}

/** A storage; or an effect that makes one for the suite, with its file or its database. */
export type Given<E> = Layer.Layer<Storage, E> | Effect.Effect<Layer.Layer<Storage, E>, E, Scope.Scope>

const isLayer = <E>(given: Given<E>): given is Layer.Layer<Storage, E> => Layer.isLayer(given)

/**
 * Registers the tests of the contract with vitest.
 *
 * @example
 * import { Effect } from "effect"
 * import * as SqliteStorage from "latchkey/SqliteStorage"
 * import { storageContract } from "latchkey/testing/StorageContract"
 *
 * declare const temporaryFile: Effect.Effect<string>
 * const storage = Effect.map(temporaryFile, (filename) => SqliteStorage.layer({ filename }))
 * storageContract("MyStorage", storage)
 * storageContract("two nodes", storage, { nodes: 2, isDurable: true })
 */
export const storageContract = <E>(name: string, storage: Given<E>, capabilities: Capabilities<E> = {}): void => {
  const made = isLayer(storage) ? Effect.succeed(storage) : storage
  const lacks = (what: "leases" | "highWaterMark") => capabilities.lacks?.includes(what) === true
  const nodes = capabilities.nodes === 2 ? Nodes.two : Nodes.one
  layer(Layer.unwrapScoped(Effect.map(made, nodes)))(name, (it) => {
    approveContract(it)
    redeemContract(it)
    revokeContract(it)
    findContract(it)
    listContract(it)
    pruneContract(it)
    resealContract(it)
    rotateContract(it)
    retryContract(it)
    networkContract(it)
    raceContract(it)
    historyContract(it)
    worldContract(it, capabilities.histories ?? 20)
    sundryContract(it, capabilities.histories ?? 20)
    clientContract(it)
    dynamicClientContract(it)
    initialAccessTokenContract(it)
    accountContract(it)
    pageContract(it)
    sessionContract(it)
    consentContract(it)
    keyContract(it)
    resourceContract(it)
    revokedTokenContract(it)
    spentAssertionContract(it)
    revisionContract(it)
    eventContract(it)
    loginCounterContract(it)
    leaseContract(it, lacks("leases"))
    highWaterMarkContract(it, lacks("highWaterMark"))
    restartContract(it, capabilities.isDurable === true ? made : undefined)
    atomicityContract(it, capabilities.failing)
  })
}
