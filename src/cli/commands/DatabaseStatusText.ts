/** The status of a database, in words for the operator. */
import * as DateTime from "effect/DateTime"
import type * as DatabaseStatus from "../../layers/sql/DatabaseStatus.js"
import * as Migrations from "../../layers/sql/migrations.js"
import * as Setting from "../settings/Setting.js"
import * as Settings from "../settings/Settings.js"
import * as Output from "../terminal/Output.js"
import { nameOf, type StoredTarget } from "./StoredDatabase.js"

/** The number and the maximum of unused clients. Each issuer has this maximum; the number is that of the fullest issuer. */
const unusedClientsLine = (
  unused: number,
  issuers: number,
  { maxUnusedClients: maximum, registration }: StoredTarget["settings"]
): string => {
  const fullest = issuers > 1 ? " (the issuer with the most)" : ""
  const clients = `Clients that registered themselves and were never used: ${Output.number(unused)}`
  return maximum === 0
    ? `${clients}${fullest}; registration${registration === "token" ? " without a token" : ""} is closed (${Setting.variableOf(Settings.named("maxUnusedClients"))} is 0)`
    : `${clients} of ${Output.number(maximum)}${fullest}${unused >= maximum ? "; each registration deletes the oldest" : ""}`
}

/** Returns the status of a database as text. */
export const describe = ({ database, settings }: StoredTarget, status: DatabaseStatus.Status): string => {
  const { backlog, issuers, lastMaintenance, oldest, rows, size, unusedClients, version } = status
  const difference = Migrations.latest - version
  const state =
    difference === 0
      ? "up to date"
      : difference > 0
        ? `the next start, or latchkey db migrate, migrates it to ${Migrations.latest}`
        : `this program supports at most ${Migrations.latest}`
  const lines = Object.entries(rows).map(([table, count]): [string, string] => {
    const since = oldest[table] === undefined ? [] : [`since ${Output.instant(DateTime.unsafeMake(oldest[table]))}`]
    const expired = (backlog[table] ?? 0) === 0 ? [] : [`${backlog[table]} expired`]
    return [table, [String(count).padEnd(8), ...since, ...expired].join("  ").trimEnd()]
  })
  const last =
    lastMaintenance === undefined
      ? "It has not run yet"
      : `It last ran at ${Output.instant(DateTime.unsafeMake(lastMaintenance))}`
  return [
    `The database ${nameOf(database)} has ${size} bytes. The version of its schema is ${version}: ${state}`,
    Output.table(lines),
    ...(unusedClients === undefined ? [] : [unusedClientsLine(unusedClients, issuers, settings)]),
    ...(difference === 0 ? [`Maintenance deletes expired rows. ${last}`] : [])
  ].join("\n\n")
}
