/** Everything that a storage promises: what a user may rely on, whichever he puts in. */
import { layer } from "@effect/vitest"
import type * as Layer from "effect/Layer"
import { accountContract } from "./accountContract.js"
import { clientContract } from "./clientContract.js"
import { approveContract, redeemContract } from "./codeContract.js"
import { consentContract } from "./consentContract.js"
import { eventContract } from "./eventContract.js"
import { findContract, revokeContract } from "./grantContract.js"
import { historyContract } from "./grantHistories.js"
import { raceContract } from "./grantRaces.js"
import { listContract, pruneContract } from "./grantUpkeep.js"
import { keyContract } from "./keyContract.js"
import { leaseContract } from "./leaseContract.js"
import { loginCounterContract } from "./loginCounterContract.js"
import type { Nodes } from "./Nodes.js"
import { resealContract } from "./resealContract.js"
import { resourceContract } from "./resourceContract.js"
import { revokedTokenContract } from "./revokedTokenContract.js"
import { retryContract, rotateContract } from "./rotationContract.js"
import { sessionContract } from "./sessionContract.js"

/** Runs the contract over a storage, or over several nodes of one. */
export const storeContract = <E>(name: string, nodes: Layer.Layer<Nodes, E>) =>
  layer(nodes)(name, (it) => {
    approveContract(it)
    redeemContract(it)
    revokeContract(it)
    findContract(it)
    listContract(it)
    pruneContract(it)
    resealContract(it)
    rotateContract(it)
    retryContract(it)
    raceContract(it)
    historyContract(it)
    clientContract(it)
    accountContract(it)
    sessionContract(it)
    consentContract(it)
    keyContract(it)
    resourceContract(it)
    revokedTokenContract(it)
    eventContract(it)
    loginCounterContract(it)
    leaseContract(it)
  })
