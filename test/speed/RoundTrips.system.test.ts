/** The budgets of round trips: each kind of request waits for PostgreSQL at most so many times. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import * as PostgresStorage from "../../src/layers/PostgresStorage.js"
import * as Postgres from "../support/Postgres.js"
import * as RoundTrips from "../support/RoundTrips.js"
import { measureRequests } from "./requests.js"
import { type CountedServer, withServer } from "./steps.js"

const storage = Layer.unwrapScoped(
  Effect.map(Postgres.database, (url) => PostgresStorage.layer({ url, masterKey: Redacted.make(new Uint8Array(32)) }))
)

/** The fewest round trips of five requests, because some read the keys or the resources again, and the background stores events. */
const count = (server: CountedServer) =>
  measureRequests(server, async (make, status = 200) => {
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < 5; i++) {
      const sent = await make()
      await server.settled()
      const { roundTrips } = await RoundTrips.during(async () => {
        const answer = await server.exchange(sent)
        if (answer.status !== status) throw new Error(`${sent.path}: ${answer.status} ${answer.text}`)
      })
      least = Math.min(least, roundTrips)
    }
    return least
  })

type Counts = Awaited<ReturnType<typeof count>>

/** One for each verb. A code flow and a revocation also store an event in the background. */
const budgets: Counts = {
  openRoute: 0,
  metadata: 0,
  resourceMetadata: 0,
  keySet: 0,
  challenge: 0,
  guardedRoute: 2,
  toolCall: 2,
  refusedToolCall: 2,
  clientCredentials: 1,
  clientAssertion: 2,
  introspect: 4,
  revoke: 3,
  refresh: 3,
  redeem: 4,
  register: 1,
  registerWithToken: 4,
  readRegistration: 1,
  updateRegistration: 5,
  deleteRegistration: 6,
  authorize: 6,
  documentRedeem: 4,
  documentRefresh: 3,
  documentAuthorize: 7
}

describe.skipIf(Postgres.missing)(Postgres.named("the round trips of a request"), () => {
  it("each kind of request keeps its budget", async () => {
    const counts = await withServer(storage, count)
    const over = Object.entries(counts).filter(([kind, trips]) => trips > budgets[kind as keyof Counts])
    expect(
      over.map(([kind, trips]) => `${kind}: ${trips} round trips, budget ${budgets[kind as keyof Counts]}`)
    ).toEqual([])
  })
})
