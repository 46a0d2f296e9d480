/**
 * The schema, as numbered steps that only go forward. A step that was published is never changed: a later one follows.
 */
import * as ClientUse from "./migrations/ClientUse.js"
import * as EventOrigins from "./migrations/EventOrigins.js"
import * as GrantedPairs from "./migrations/GrantedPairs.js"
import * as HighWaterMark from "./migrations/HighWaterMark.js"
import * as Initial from "./migrations/Initial.js"
import * as Keys from "./migrations/Keys.js"
import * as LoginCounters from "./migrations/LoginCounters.js"
import * as LoginSources from "./migrations/LoginSources.js"
import type { Migration } from "./migrations/Migration.js"
import * as Networks from "./migrations/Networks.js"
import * as Operation from "./migrations/Operation.js"
import * as RateLimits from "./migrations/RateLimits.js"
import * as Upkeep from "./migrations/Upkeep.js"

export const migrations: ReadonlyArray<Migration> = [
  { version: 1, name: "initial", statements: Initial.statements },
  { version: 2, name: "operation", statements: Operation.statements },
  { version: 3, name: "keys", statements: Keys.statements },
  { version: 4, name: "upkeep", statements: Upkeep.statements },
  { version: 5, name: "rate limits", statements: RateLimits.statements },
  { version: 6, name: "high-water mark", statements: HighWaterMark.statements },
  { version: 7, name: "granted pairs", statements: GrantedPairs.statements },
  { version: 8, name: "networks", statements: Networks.statements },
  { version: 9, name: "client use", statements: ClientUse.statements },
  { version: 10, name: "login counters", statements: LoginCounters.statements },
  { version: 11, name: "login sources", statements: LoginSources.statements },
  { version: 12, name: "event origins", statements: EventOrigins.statements }
]

/** The version that this program reads and writes. */
export const latest = migrations.length

/** The tables that a database of ours has from version 1 on. */
export const tables = ["clients", "accounts", "sessions", "consents", "consent_items", "grants", "root_keys"] as const
