import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqliteStore from "../../src/layers/SqliteStore.js"
import { temporaryFile } from "../layers/temporaryFile.js"
import * as Nodes from "./Nodes.js"
import { storeContract } from "./storeContract.js"

const sqlite = Effect.map(temporaryFile, (filename) => SqliteStore.layer({ filename }))

storeContract("SqliteStore", Layer.unwrapScoped(Effect.map(sqlite, Nodes.one)))

storeContract("two SqliteStores on one file", Layer.unwrapScoped(Effect.map(sqlite, Nodes.two)))
