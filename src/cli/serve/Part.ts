/** The part of one process in a server: the only process, or one of several workers. */
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as FirstAccount from "../../services/accounts/FirstAccount.js"
import type { RateLimiter } from "../../services/RateLimiter.js"
import * as Database from "../settings/Database.js"
import type { Target } from "../settings/Target.js"
import * as Output from "../terminal/Output.js"
import * as SharedRateLimiter from "../workers/SharedRateLimiter.js"
import type { Worker } from "../workers/Worker.js"

export interface Part {
  /** Whether this process does the work that one process of a server does: warnings, the link to the first account, maintenance. */
  readonly leads: boolean
  readonly firstAccount: typeof FirstAccount.layer
  /** Counts the requests of all processes together, unless the database or Redis does. */
  readonly rateLimiter?: Layer.Layer<RateLimiter>
  /** Runs when the process answers requests, with the text for the operator; the text is empty if the process does not lead. */
  readonly onReady: (welcome: string) => Effect.Effect<void>
}

/** The only process. It counts requests in its memory, or in the database. */
export const alone: Part = { leads: true, firstAccount: FirstAccount.layer, onReady: Output.print }

/** A worker. The first one leads, and so does each worker that replaces it. */
export const ofWorker = ({ counting, firstAccountToken, number, ready }: Worker, { database }: Target): Part => ({
  leads: number === 1,
  firstAccount: FirstAccount.layerWithToken(firstAccountToken),
  // PostgreSQL counts the requests of all nodes.
  ...(Database.Database.$is("Postgres")(database) ? {} : { rateLimiter: SharedRateLimiter.layer(counting) }),
  onReady: ready
})
