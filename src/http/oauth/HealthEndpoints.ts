/** `/health`: the process runs. `/ready`: it can also answer requests, so a load balancer may send them. Neither says more. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Readiness } from "../../services/maintenance/Readiness.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Wire from "../wire/Wire.js"

const answer = (status: string) => Wire.json({ status }, { headers: Wire.noStore })

/** Serves both endpoints. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const readiness = yield* Readiness
    yield* Endpoint.addJson("/health", false, { GET: Effect.succeed(answer("alive")) })
    yield* Endpoint.addJson("/ready", false, { GET: Effect.as(readiness.check, answer("ready")) })
  })
)
