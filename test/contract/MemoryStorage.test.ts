import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import { storageContract } from "../../src/testing/StorageContract.js"

storageContract("MemoryStorage", MemoryStorage.layer, { histories: 200 })
