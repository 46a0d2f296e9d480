/** State that two workers share: codes, refresh tokens, revocations, and the counts of requests. */
import { writeFile } from "node:fs/promises"
import type { Agent } from "node:http"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Postgres from "../../support/Postgres.js"
import * as Tokens from "../support/Tokens.js"
import * as Workers from "../support/Workers.js"

/** Number of requests of the limit for `/revoke` in an hour. */
const quota = 10

const databases = [
  ["on one SQLite file", undefined],
  [Postgres.named("on PostgreSQL"), Postgres.database]
] as const

describe.each(databases)("two workers %s", (_, database) => {
  const isLeftOut = database !== undefined && Postgres.missing !== undefined
  const scope = Effect.runSync(Scope.make())
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  let server: Cli.Server
  let agents: readonly [Agent, Agent]

  beforeAll(async () => {
    if (isLeftOut) return
    folder = await Cli.temporaryFolder()
    const port = await Cli.freePort()
    const resource = { uri: `http://127.0.0.1:${port}/mcp`, scopes: { "notes:read": "Read your notes" } }
    await writeFile(join(folder.path, "latchkey.json"), JSON.stringify({ workers: 2, resources: [resource] }))
    const shared: Record<string, string> =
      database === undefined
        ? {}
        : {
            LATCHKEY_DATABASE: Redacted.value(await Effect.runPromise(Scope.extend(database, scope))),
            LATCHKEY_MASTER_KEY: Buffer.alloc(32, 7).toString("base64url")
          }
    server = await Cli.startServer({
      folder: folder.path,
      args: ["--port", String(port), "--config", "latchkey.json", "--api"],
      env: {
        LATCHKEY_ISSUER: `http://127.0.0.1:${port}`,
        LATCHKEY_LOG_LEVEL: "debug",
        LATCHKEY_RATE_LIMITS: `revoke=${quota}/1 hour`,
        ...shared
      }
    })
    agents = await Workers.connections(server)
    expect(await Tokens.createAccount(server)).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    for (const agent of agents ?? []) agent.destroy()
    await server?.stop()
    await folder?.remove()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })
  const rule = it.skipIf(isLeftOut)

  /** Posts a form to each worker in turn, all at once. */
  const postAll = (path: string, times: number, body: URLSearchParams) =>
    Promise.all(
      Array.from({ length: times }, (_, index) =>
        Workers.send(server, agents[index % 2] as Agent, path, {
          method: "POST",
          headers: Workers.form,
          body: body.toString()
        })
      )
    )

  rule("exactly one of the redemptions of a code at both workers gets tokens", async () => {
    for (let round = 0; round < 5; round++) {
      const allowed = await Tokens.allow(server, "notes:read")
      const answers = await postAll("/token", 4, allowed.redemption)
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400])
      const lost = answers.filter(({ status }) => status === 400).map(({ body }) => JSON.parse(body).error)
      expect(lost).toEqual(["invalid_grant", "invalid_grant", "invalid_grant"])
    }
    expect(Workers.answeredBy(server, "/token")).toEqual([1, 2])
  })

  rule("a refresh token that is used at both workers at once has one successor", async () => {
    for (let round = 0; round < 5; round++) {
      const { clientId, refreshToken } = await Tokens.issue(server, "notes:read")
      const body = new URLSearchParams({
        grant_type: "refresh_token",
        client_id: clientId,
        refresh_token: refreshToken
      })
      const answers = await postAll("/token", 4, body)
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      const successors = new Set(answers.map(({ body }) => JSON.parse(body).refresh_token))
      expect(successors.size).toBe(1)
      expect(successors).not.toContain(refreshToken)
    }
  })

  rule("a token that is revoked at one worker is refused by the other at once", async () => {
    const args = ["--name", "Admin", "--confidential", "--grant", "client_credentials", "--scope", "latchkey:admin"]
    const made = await Cli.run(["client", "create", ...args, "--json"], { server })
    const { client_id, client_secret } = JSON.parse(made.stdout) as Record<string, string>
    const headers = {
      ...Workers.form,
      authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}`
    }
    const [first, second] = agents
    for (const [revoking, using] of [
      [first, second],
      [second, first]
    ] as const) {
      const issued = await Workers.send(server, revoking, "/token", {
        method: "POST",
        headers,
        body: "grant_type=client_credentials&scope=latchkey:admin"
      })
      const token = String(JSON.parse(issued.body).access_token)
      const use = () =>
        Workers.send(server, using, "/api/admin/clients", { headers: { authorization: `Bearer ${token}` } })
      expect((await use()).status).toBe(200)
      const revoked = await Workers.send(server, revoking, "/revoke", {
        method: "POST",
        headers,
        body: `token=${token}`
      })
      expect(revoked.status).toBe(200)
      expect((await use()).status).toBe(401)
    }
  })

  rule("a rate limit holds for both workers together", async () => {
    const left = quota - Workers.logged(server, "request answered").filter(({ path }) => path === "/revoke").length
    const answers = await Promise.all(
      Array.from({ length: 40 }, () =>
        fetch(`${server.url}/revoke`, { method: "POST", headers: { connection: "close" } })
      )
    )
    expect(answers.filter(({ status }) => status !== 429)).toHaveLength(left)
    await Workers.until(() => Workers.answeredBy(server, "/revoke").length === 2)
    const refused = (worker: number) =>
      Workers.logged(server, "request answered").filter(
        (line) => line.path === "/revoke" && line.status === 429 && line.worker === worker
      ).length
    expect([refused(1) > 0, refused(2) > 0]).toEqual([true, true])
  })
})
