/** `latchkey key` while a server runs: the output, and the effect on tokens. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import { done, refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo"] })
  await Tokens.createAccount(server)
})
afterAll(() => server?.stop())

const run = (...args: ReadonlyArray<string>) => Commands.run(["key", ...args], { server })

const keys = async (): Promise<ReadonlyArray<{ id: string; state: string }>> =>
  JSON.parse((await run("list", "--json")).stdout)

const statesOf = async () => (await keys()).map(({ state }) => state)

const statusOf = async (token: string) => {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`${server.url}/mcp`, { method: "POST", headers })).status
}

describe("key", () => {
  it("key list shows the state of each key, and never the key", async () => {
    expect(await run("list")).toEqual(done(/^\S{8} {2}current {3}made \S+ \S+Z\n$/))
    expect(await keys()).toEqual([
      { id: expect.any(String), state: "Current", since: expect.any(String), created_at: expect.any(String) }
    ])
  })

  it("key rotate makes one next key, and all tokens stay valid", async () => {
    const issued = await Tokens.issue(server, "notes:read")
    expect(await run("rotate")).toEqual(done(/^The next key is \S{8}\. [^\n]+\n$/))
    expect(await statesOf()).toEqual(["Current", "Next"])
    expect(await run("rotate")).toEqual(refused(1, /there is a next key already/))
    expect(await statusOf(issued.access)).not.toBe(401)
    expect(await issued.refresh()).toBe(true)
  })

  it("key replace makes access tokens invalid within a second, and refresh tokens stay valid", async () => {
    const issued = await Tokens.issue(server, "notes:read")
    expect(await statusOf(issued.access)).not.toBe(401)
    expect(await run("replace")).toEqual(done(/^The key \S{8} replaces all other keys\./))
    await vi.waitFor(async () => expect(await statusOf(issued.access)).toBe(401), { timeout: 20_000, interval: 50 })
    expect(await issued.refresh()).toBe(true)
    expect(await statesOf()).toEqual(["Replaced", "Replaced", "Current"])
    expect(await statusOf((await Tokens.issue(server, "notes:read")).access)).not.toBe(401)
    const { stdout } = await Commands.run(["events"], { server })
    expect(stdout).toMatch(/key \S{8} is the next key/)
    expect(stdout).toMatch(/key \S{8} is replaced/)
    expect(stdout).toMatch(/key \S{8} is the current key/)
  })

  it.each(["list", "rotate", "replace"])("key %s refuses a database that does not exist", async (verb) => {
    expect(await run(verb, "--database", "sqlite:elsewhere.db")).toEqual(refused(1, /no such database/))
  })
})
