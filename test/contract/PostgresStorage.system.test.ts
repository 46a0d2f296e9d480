import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import * as PostgresStorage from "../../src/layers/PostgresStorage.js"
import * as PostgresAddress from "../../src/layers/sql/postgres/PostgresAddress.js"
import * as PostgresClient from "../../src/layers/sql/postgres/PostgresClient.js"
import * as PostgresMigrator from "../../src/layers/sql/postgres/PostgresMigrator.js"
import * as PostgresPool from "../../src/layers/sql/postgres/PostgresPool.js"
import * as SqlStores from "../../src/layers/sql/stores/SqlStores.js"
import { Storage, standalone } from "../../src/services/stores/Storage.js"
import * as RateLimiters from "../../src/testing/contracts/rateLimiterContract.js"
import { type IsToFail, storageContract } from "../../src/testing/StorageContract.js"
import * as FailingSql from "../support/FailingSql.js"
import * as Postgres from "../support/Postgres.js"

const postgres = Effect.map(Postgres.database, (url) =>
  PostgresStorage.layer({ url, masterKey: Redacted.make(new Uint8Array(32)), timeout: "20 seconds" })
)

/** The same stores with a client that fails. */
const failing = (isToFail: IsToFail) =>
  Effect.map(Postgres.database, (url) =>
    Layer.scoped(
      Storage,
      Effect.gen(function* () {
        const pool = yield* PostgresPool.make({ url, timeout: "20 seconds" })
        yield* PostgresMigrator.run(pool, "", PostgresAddress.standardSchema)
        const sql = yield* Effect.orDie(PostgresClient.make(pool))
        return {
          ...standalone,
          stores: (issuer) => SqlStores.make(FailingSql.failing(sql, isToFail), issuer),
          masterKey: Redacted.make(new Uint8Array(32))
        }
      })
    )
  )

describe.skipIf(Postgres.missing)(Postgres.named("on PostgreSQL"), () => {
  storageContract("two nodes on one PostgreSQL database", postgres, {
    nodes: 2,
    isDurable: true,
    failing,
    histories: 10
  })

  RateLimiters.rateLimiterContract(
    "two nodes",
    Layer.unwrapScoped(Effect.map(postgres, (layer) => RateLimiters.nodes(2, layer)))
  )
})
