/**
 * The database schema as numbered steps that only go forward. A published step never changes; a change of the schema is a new
 * step. So a step has its own copy of each expression, and other code imports nothing from it.
 */
import * as Initial from "./migrations/Initial.js"
import type { Migration } from "./migrations/Migration.js"

export const migrations: ReadonlyArray<Migration> = [{ version: 1, name: "initial", statements: Initial.statements }]

/** The schema version that this program reads and writes. */
export const latest = migrations.length

/** Tables that every Latchkey database has from version 1 on. */
export const tables = ["clients", "accounts", "sessions", "consents", "consent_items", "grants", "root_keys"] as const
