import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import * as PostgresStore from "../../src/layers/PostgresStore.js"
import * as Postgres from "../support/Postgres.js"
import * as Nodes from "./Nodes.js"
import * as RateLimiters from "./rateLimiterContract.js"
import { storeContract } from "./storeContract.js"

const postgres = Effect.map(Postgres.database, (url) =>
  PostgresStore.layer({ url, masterKey: Redacted.make(new Uint8Array(32)), timeout: "20 seconds" })
)

describe.skipIf(Postgres.missing)(Postgres.named("on PostgreSQL"), () => {
  storeContract("two PostgresStores on one database", Layer.unwrapScoped(Effect.map(postgres, Nodes.two)))

  RateLimiters.rateLimiterContract(
    "two nodes",
    Layer.unwrapScoped(Effect.map(postgres, (layer) => RateLimiters.nodes(2, layer)))
  )
})
