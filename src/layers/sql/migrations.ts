/**
 * The database schema as numbered steps that only go forward. A published step never changes; a change of the schema is a new
 * step. So a step has its own copy of each expression, and other code imports nothing from it.
 */
import * as ClientDocuments from "./migrations/ClientDocuments.js"
import * as ImpliedScopes from "./migrations/ImpliedScopes.js"
import * as Initial from "./migrations/Initial.js"
import type { Migration } from "./migrations/Migration.js"
import * as Registration from "./migrations/Registration.js"
import * as SpentAssertions from "./migrations/SpentAssertions.js"
import * as UnusedClients from "./migrations/UnusedClients.js"

export const migrations: ReadonlyArray<Migration> = [
  { version: 1, name: "initial", statements: Initial.statements },
  { version: 2, name: "unused clients", statements: UnusedClients.statements },
  { version: 3, name: "client documents", statements: ClientDocuments.statements },
  { version: 4, name: "spent assertions", statements: SpentAssertions.statements },
  { version: 5, name: "registration tokens", statements: Registration.statements },
  { version: 6, name: "implied scopes", statements: ImpliedScopes.statements }
]

/** The schema version that this program reads and writes. */
export const latest = migrations.length

/** Tables that triggers fill from other tables, so that a copy leaves them out. */
export const derived: ReadonlySet<string> = new Set(["client_counts"])

/** Tables that every Latchkey database has from version 1 on. */
export const tables = ["clients", "accounts", "sessions", "consents", "consent_items", "grants", "root_keys"] as const
