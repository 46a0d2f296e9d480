import * as MemoryStore from "../../src/layers/MemoryStore.js"
import { storeContract } from "../../src/testing/storeContract.js"

storeContract("MemoryStore", MemoryStore.layer, { histories: 200 })
