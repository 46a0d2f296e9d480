import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import { storeContract } from "../../src/testing/StorageContract.js"

storeContract("MemoryStorage", MemoryStorage.layer, { histories: 200 })
