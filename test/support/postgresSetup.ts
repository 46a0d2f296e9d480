/** Starts the PostgreSQL of a run of the tests, unless one is named. */
import type { TestProject } from "vitest/node"
import * as PostgresServer from "./PostgresServer.js"

export default async (project: TestProject) => {
  const url = process.env.LATCHKEY_TEST_POSTGRES
  if (url !== undefined) return project.provide("postgres", { url })
  try {
    // What the tests keep may be lost with the machine; those about crashes start a server of their own.
    const server = await PostgresServer.start({ fsync: "off", max_connections: "200" })
    project.provide("postgres", { url: server.url("postgres") })
    return () => server.stop()
  } catch (cause) {
    if (process.env.CI !== undefined) throw cause
    return project.provide("postgres", { missing: `PostgreSQL does not start here (${String(cause)})` })
  }
}
