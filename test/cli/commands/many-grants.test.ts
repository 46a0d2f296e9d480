/**
 * Commands that revoke many grants: everything is dead at once, a server beside them goes on, and a command that was killed is
 * continued by the next. `LATCHKEY_TEST_GRANTS=1000000` measures a million.
 */
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as ManyGrants from "../../support/ManyGrants.js"
import { refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

const count = Number(process.env.LATCHKEY_TEST_GRANTS ?? 10_000)

/** Maximum time in milliseconds that a test may take: its grants are made, revoked, and revoked once more. */
const patience = 60_000 + count * 0.6

let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
let server: Cli.Server
let database: string
/** Clients whose grants are not revoked. */
let others: ReadonlyArray<Tokens.Issued>

beforeAll(async () => {
  folder = await Cli.temporaryFolder()
  server = await Cli.startServer({ args: ["--demo"], env: { LATCHKEY_RATE_LIMIT: "off" }, folder: folder.path })
  database = join(server.folder, "data/latchkey.db")
  await Tokens.createAccount(server)
  others = await Promise.all(Array.from({ length: 4 }, () => Tokens.issue(server, "notes:read")))
}, patience)
afterAll(async () => {
  await server?.stop()
  await folder?.remove()
})

/** A client with many grants, and one of them that is really used. */
const crowd = async (size = count) => {
  const used = await Tokens.issue(server, "notes:read")
  ManyGrants.insert(database, used.clientId, size)
  return used
}

const isOpen = async (token: string): Promise<boolean> => {
  const { status } = await fetch(`${server.url}/mcp`, { method: "POST", headers: { authorization: `Bearer ${token}` } })
  return status !== 401
}

const launch = (...args: ReadonlyArray<string>) => Cli.launch({ args, env: server.env, cwd: server.folder })

/** Refreshes without a pause until it is stopped, and keeps how long each took. */
const refreshing = () => {
  let isStopped = false
  const took: Array<number> = []
  const walks = others.map(async ({ refresh }) => {
    while (!isStopped) {
      const began = performance.now()
      expect(await refresh()).toBe(true)
      took.push(performance.now() - began)
      await sleep(20)
    }
  })
  return async () => {
    isStopped = true
    await Promise.all(walks)
    return took.sort((a, b) => a - b)
  }
}

describe("grant revoke --client", () => {
  it(
    "ends everything at once, then marks the rows in batches, while no refresh of another client fails",
    async () => {
      const used = await crowd()
      const stop = refreshing()
      const began = performance.now()
      const running = launch("grant", "revoke", "--client", used.clientId)
      while (await isOpen(used.access)) await sleep(5)
      const left = ManyGrants.unmarked(database, used.clientId)
      const dead = performance.now() - began
      expect(await used.refresh()).toBe(false)
      expect(left).toBeGreaterThan(count * 0.9)
      const result = await running.ended
      const seconds = (performance.now() - began) / 1000
      const took = await stop()
      expect(result).toMatchObject({ code: 0, stdout: `${count + 1} grants are revoked\n` })
      expect(ManyGrants.unmarked(database, used.clientId)).toBe(0)
      expect(took.length).toBeGreaterThan(10)
      const at = (part: number) => Math.round(took[Math.floor((took.length - 1) * part)] ?? 0)
      expect(at(1)).toBeLessThan(2_000)
      if (count > 10_000) {
        console.log(
          `revoke --client: ${count} in ${seconds.toFixed(1)} s, dead after ${dead.toFixed(0)} ms; ${took.length} refreshes beside it, median ${at(0.5)} ms, 99 of 100 within ${at(0.99)} ms, the slowest ${at(1)} ms\n${result.stderr}`
        )
      }
    },
    patience
  )

  it(
    "that is killed is continued by the next",
    async () => {
      const used = await crowd()
      const running = launch("grant", "revoke", "--client", used.clientId)
      while (ManyGrants.unmarked(database, used.clientId) > count - 1000) await sleep(5)
      running.child.kill("SIGKILL")
      await running.ended
      const left = ManyGrants.unmarked(database, used.clientId)
      expect(left).toBeGreaterThan(0)
      expect(await isOpen(used.access)).toBe(false)
      expect(await launch("grant", "revoke", "--client", used.clientId).ended).toMatchObject({
        code: 0,
        stdout: `${left} grants are revoked\n`
      })
    },
    patience
  )
})

describe("grant list", () => {
  const listed = async (
    ...args: ReadonlyArray<string>
  ): Promise<ReadonlyArray<{ readonly id: string; readonly state: string }>> =>
    JSON.parse((await Cli.run(["grant", "list", "--json", ...args], { server })).stdout)

  it("grant list --json prints one JSON array page by page, with --state and --limit too", async () => {
    const used = await crowd(1_200)
    const { stdout } = await Cli.run(["grant", "list", "--json", "--client", used.clientId], { server })
    const all: ReadonlyArray<{ readonly id: string }> = JSON.parse(stdout)
    expect(all).toHaveLength(1_201)
    expect(stdout).toBe(`${JSON.stringify(all, null, 2)}\n`)
    const active = await listed("--client", used.clientId, "--state", "active", "--limit", "700")
    expect(active.map(({ id }) => id)).toEqual(all.slice(0, 700).map(({ id }) => id))
    expect(await listed("--client", used.clientId, "--state", "revoked")).toEqual([])
    expect(await listed("--client", used.clientId, "--limit", "0")).toEqual([])
    await Cli.run(["grant", "revoke", all[0]?.id ?? ""], { server })
    expect(new Set((await listed("--state", "revoked", "--limit", "5")).map(({ state }) => state))).toEqual(
      new Set(["Revoked"])
    )
    const lines = (await Cli.run(["grant", "list", "--limit", "3"], { server })).stdout
    expect(lines.split("\n")).toHaveLength(4)
  })

  it.each([["--json"], []])(
    "grant list ends without an error when its reader closes the output (%s)",
    async (...args) => {
      const running = launch("grant", "list", ...args)
      running.child.stdout?.once("data", () => running.child.stdout?.destroy())
      expect(await running.ended).toMatchObject({ code: 0, stderr: "" })
    }
  )

  it.each([
    ["--limit", "many"],
    ["--state", "gone"]
  ])("grant list refuses %s %s", async (...args) => {
    expect(await Cli.run(["grant", "list", ...args], { server })).toEqual(refused(2, new RegExp(args[0] ?? "")))
  })
})

describe("db restored", () => {
  it(
    "that is killed lets no server start, and the next ends all that is left",
    async () => {
      const used = await crowd()
      await server.stop()
      const before = ManyGrants.unmarked(database, used.clientId)
      const began = performance.now()
      const running = launch("db", "restored")
      while (ManyGrants.unmarked(database, used.clientId) === before) await sleep(5)
      running.child.kill("SIGKILL")
      await running.ended
      const left = ManyGrants.unmarked(database, used.clientId)
      expect(left).toBeGreaterThan(0)
      expect((await launch("serve").ended).stderr).toContain("the master key does not open")

      const again = launch("db", "restored", "--json")
      const result = await again.ended
      const seconds = (performance.now() - began) / 1000
      expect(JSON.parse(result.stdout)).toMatchObject({ grants: left })
      expect(ManyGrants.unmarked(database, used.clientId)).toBe(0)
      if (count > 10_000) console.log(`db restored, killed and continued: ${seconds.toFixed(1)} s\n${result.stderr}`)

      server = await Cli.startServer({ args: ["--demo"], env: server.env, folder: folder.path })
      expect(await isOpen(used.access)).toBe(false)
      expect(await used.refresh()).toBe(false)
    },
    patience
  )
})
