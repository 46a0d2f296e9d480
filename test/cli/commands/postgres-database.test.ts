/** `latchkey db` on a PostgreSQL database, and `db copy` to it from a file. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { latest } from "../../../src/layers/sql/migrations.js"
import * as Cli from "../../support/Cli.js"
import * as Postgres from "../../support/Postgres.js"
import { done, refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

describe.skipIf(Postgres.missing)(Postgres.named("db, on PostgreSQL"), () => {
  const scope = Effect.runSync(Scope.make())
  let server: Cli.Server
  let url: string
  beforeAll(async () => {
    url = await Effect.runPromise(Effect.map(Scope.extend(Postgres.database, scope), Redacted.value))
    server = await Cli.startServer({ args: ["--demo"] })
    await Tokens.createAccount(server)
  })
  afterAll(async () => {
    await server?.stop()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const told: Array<string> = []
  const run = async (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => {
    const result = await Cli.run(["db", ...args], { server, env })
    told.push(result.stdout, result.stderr)
    return result
  }
  const json = async (...args: ReadonlyArray<string>) => JSON.parse((await run([...args, "--json"])).stdout)

  it("db migrate, copy, status and gc work on PostgreSQL, backup names pg_dump, and no output has the password", async () => {
    const there = ["--database", url]
    expect(await json("migrate", ...there)).toMatchObject({ from: 0, to: latest })
    expect(await run(["migrate", ...there])).toEqual(done(/ is up to date \(version \d+\)\n$/))

    const { clientId } = await Tokens.issue(server, "notes:read")
    const { rows } = await json("copy", "--to", url)
    expect(await run(["copy", "--to", url])).toEqual(refused(1, /this database is not empty/))
    expect(await run(["copy", "--to", "sqlite:other.db", ...there])).toEqual(refused(1, /pg_dump/))
    expect(await run(["backup", "backup.sql", ...there])).toEqual(refused(1, /pg_dump/))
    const status = await json("status", ...there)
    expect(status).toMatchObject({ rows, schema_version: latest, supported_version: latest, size: expect.any(Number) })
    expect((await run(["status", ...there])).stdout).toMatch(/^The database postgres\S+ has \d+ bytes/)

    const key = { LATCHKEY_MASTER_KEY: readFileSync(join(server.folder, "data/latchkey.db.key"), "utf8").trim() }
    expect(await run(["gc", ...there], key)).toEqual(done(/^There were no expired rows\n$/))
    expect((await json("status", ...there)).last_maintenance).toMatch(/Z$/)
    const list = ["grant", "list", "--client", clientId, "--json", ...there]
    const grants = await Cli.run(list, { server, env: key })
    expect(JSON.parse(grants.stdout)).toMatchObject([{ state: "Active" }])

    const { password } = new URL(url)
    expect(password.length).toBeGreaterThan(8)
    for (const text of told) expect(text).not.toContain(password)
  })
})
