import * as MemoryStore from "../../src/layers/MemoryStore.js"
import * as Nodes from "./Nodes.js"
import { storeContract } from "./storeContract.js"

storeContract("MemoryStore", Nodes.one(MemoryStore.layer))
