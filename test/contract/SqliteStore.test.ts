import * as Effect from "effect/Effect"
import * as SqliteStore from "../../src/layers/SqliteStore.js"
import { storeContract } from "../../src/testing/storeContract.js"
import { temporaryFile } from "../layers/temporaryFile.js"

const sqlite = Effect.map(temporaryFile, (filename) => SqliteStore.layer({ filename }))

storeContract("SqliteStore", sqlite, { isDurable: true })

storeContract("two SqliteStores on one file", sqlite, { nodes: 2 })
