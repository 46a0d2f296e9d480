import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import * as PostgresStore from "../../src/layers/PostgresStore.js"
import * as RateLimiters from "../../src/testing/rateLimiterContract.js"
import { storeContract } from "../../src/testing/storeContract.js"
import * as Postgres from "../support/Postgres.js"

const postgres = Effect.map(Postgres.database, (url) =>
  PostgresStore.layer({ url, masterKey: Redacted.make(new Uint8Array(32)), timeout: "20 seconds" })
)

describe.skipIf(Postgres.missing)(Postgres.named("on PostgreSQL"), () => {
  storeContract("two PostgresStores on one database", postgres, { nodes: 2, isDurable: true })

  RateLimiters.rateLimiterContract(
    "two nodes",
    Layer.unwrapScoped(Effect.map(postgres, (layer) => RateLimiters.nodes(2, layer)))
  )
})
