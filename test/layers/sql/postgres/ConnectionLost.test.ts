import { SqlError } from "@effect/sql/SqlError"
import { expect, it } from "@effect/vitest"
import { describe } from "vitest"
import { TemporarilyUnavailable } from "../../../../src/domain/OAuthError.js"
import * as PostgresRetry from "../../../../src/layers/sql/postgres/PostgresRetry.js"
import * as SqlFailure from "../../../../src/layers/sql/SqlFailure.js"

const failure = (message: string, code?: string) =>
  SqlFailure.unavailable(new SqlError({ cause: Object.assign(new Error(message), { code }) }))

describe("an error of PostgreSQL", () => {
  it.each([
    ["08006", "connection failure"],
    ["08P01", "protocol violation"],
    ["57P01", "terminating connection due to administrator command"],
    ["57P02", "terminating connection because of crash of another server process"],
    ["57P03", "the database system is starting up"],
    ["ECONNRESET", "read ECONNRESET"],
    ["EPIPE", "write EPIPE"],
    ["ETIMEDOUT", "read ETIMEDOUT"],
    [undefined, "Connection terminated"],
    [undefined, "Connection terminated unexpectedly"],
    [undefined, "Query read timeout"]
  ])("after the error (%s, %s) it is unknown whether the statement was executed", (code, message) => {
    expect(PostgresRetry.isConnectionLost(failure(message, code))).toBe(true)
  })

  it.each([
    ["57014", "canceling statement due to statement timeout"],
    ["23505", "duplicate key value violates unique constraint"],
    ["25006", "cannot execute UPDATE in a read-only transaction"],
    ["40001", "could not serialize access due to concurrent update"],
    ["40P01", "deadlock detected"],
    ["53300", "too many connections"],
    ["57P04", "database was dropped"],
    ["READ_ONLY", "the server takes no writes"],
    ["ECONNREFUSED", "connect ECONNREFUSED"],
    [undefined, "timeout exceeded when trying to connect"],
    [undefined, "Connection terminated due to connection timeout"],
    ["P0001", "Query read timeout"]
  ])("after the error (%s, %s) the statement was not executed", (code, message) => {
    expect(PostgresRetry.isConnectionLost(failure(message, code))).toBe(false)
  })

  it("an error that is not from PostgreSQL is no lost connection", () => {
    expect(PostgresRetry.isConnectionLost(SqlFailure.unreadable("grants", "scope"))).toBe(false)
    const cause = new Error("Query read timeout")
    const elsewhere = new TemporarilyUnavailable({ reason: "HashingBusy", description: "try again later", cause })
    expect(PostgresRetry.isConnectionLost(elsewhere)).toBe(false)
  })
})
