import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqliteStorage from "../../src/layers/SqliteStorage.js"
import * as SqliteClient from "../../src/layers/sql/sqlite/SqliteClient.js"
import * as SqliteFile from "../../src/layers/sql/sqlite/SqliteFile.js"
import * as SqliteMigrator from "../../src/layers/sql/sqlite/SqliteMigrator.js"
import * as SqlStores from "../../src/layers/sql/stores/SqlStores.js"
import { Storage, standalone } from "../../src/services/stores/Storage.js"
import { type IsToFail, storageContract } from "../../src/testing/StorageContract.js"
import { temporaryFile } from "../layers/temporaryFile.js"
import * as FailingSql from "../support/FailingSql.js"

const sqlite = Effect.map(temporaryFile, (filename) => SqliteStorage.layer({ filename }))

/** The same stores with a client that fails. */
const failing = (isToFail: IsToFail) =>
  Effect.map(temporaryFile, (filename) =>
    Layer.scoped(
      Storage,
      Effect.gen(function* () {
        const path = yield* SqliteFile.prepare(filename)
        yield* SqliteMigrator.run(path)
        const sql = yield* Effect.orDie(SqliteClient.open(path))
        return {
          ...standalone,
          stores: (issuer) => SqlStores.make(FailingSql.failing(sql, isToFail), issuer),
          masterKey: Redacted.make(new Uint8Array(32))
        }
      })
    )
  )

storageContract("SqliteStorage", sqlite, { isDurable: true, failing })

storageContract("two nodes on one SQLite file", sqlite, { nodes: 2, histories: 10 })
