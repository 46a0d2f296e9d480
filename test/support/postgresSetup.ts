/** Starts the PostgreSQL of a run of the tests, unless one is named. */
import type { TestProject } from "vitest/node"
import * as PostgresPackage from "./PostgresPackage.js"
import * as PostgresServer from "./PostgresServer.js"

const remedy = "name a server in LATCHKEY_TEST_POSTGRES, such as postgres://postgres:PASSWORD@127.0.0.1:5432/postgres"

export default async (project: TestProject) => {
  const url = process.env.LATCHKEY_TEST_POSTGRES
  let undo = async () => {}
  try {
    // Some tests start servers of their own, whatever is named.
    undo = await PostgresPackage.prepare()
    if (url !== undefined) {
      project.provide("postgres", { url })
      return undo
    }
    // What the tests keep may be lost with the machine; those about crashes start a server of their own.
    const server = await PostgresServer.start({ fsync: "off", max_connections: "200" })
    project.provide("postgres", { url: server.url("postgres") })
    return async () => {
      await server.stop()
      await undo()
    }
  } catch (cause) {
    await undo()
    const missing = `PostgreSQL does not start here: ${cause instanceof Error ? cause.message : String(cause)}`
    if (process.env.CI !== undefined) throw new Error(`${missing}. To run its tests, ${remedy}`, { cause })
    console.error(`\n${missing}\nThe tests that need it are left out. To run them, ${remedy}\n`)
    return project.provide("postgres", { missing: missing.split("\n")[0] ?? missing })
  }
}
