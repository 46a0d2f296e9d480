/**
 * MCP clients of other projects, the built command as a process, and a person at a real browser: from a first
 * request without a token to a guarded tool call, and on (MCP authorization; RFC 9728, RFC 7591, RFC 7636, RFC 8707).
 */
import type { Browser } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import * as Cli from "../support/Cli.js"
import * as Callback from "./support/Callback.js"
import * as Chromium from "./support/Chromium.js"
import * as McpClient from "./support/McpClient.js"
import { McpProvider } from "./support/McpProvider.js"
import { Person, password, username } from "./support/Person.js"
import * as Sdk from "./support/Sdk.js"

vi.setConfig({ testTimeout: 120_000 })

describe.runIf(Chromium.executablePath !== undefined).each([Sdk.v1, Sdk.v2])("$name", (sdk) => {
  let browser: Browser
  const closing: Array<() => Promise<unknown>> = []
  beforeAll(async () => {
    browser = await Chromium.launch()
  })
  afterAll(() => browser.close())
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const start = async (options: Cli.StartOptions = {}) => {
    const server = await Cli.startServer({ ...options, args: ["--demo", ...(options.args ?? [])] })
    closing.push(server.stop)
    await Cli.run(["user", "create", username, "--password-stdin"], { server, stdin: password })
    return server
  }

  const person = async () => {
    const person = await Person.at(browser)
    closing.push(person.leave)
    return person
  }

  const provider = async () => {
    const callback = await Callback.open()
    closing.push(callback.close)
    return { callback, provider: new McpProvider(callback.redirectUri) }
  }

  const connect = async (mcp: string, client: McpClient.Party, who: Person, ticked?: ReadonlyArray<string>) => {
    const connection = await McpClient.connect(sdk, mcp, client, who, ticked)
    closing.push(connection.close)
    return connection
  }

  it("an MCP client finds the server, registers, lets a user log in and consent, and calls a tool", async () => {
    const server = await start()
    const mcp = `${server.url}/mcp`
    const connection = await connect(mcp, await provider(), await person())
    expect(await connection.tools()).toEqual(expect.arrayContaining(["whoami", "list_notes", "add_note"]))
    const answer = await connection.call("whoami")
    expect(answer).toContain(username)
    expect(answer).toContain("An MCP client")
    expect(answer).toContain("notes:read")
  })

  it("every tool of the demo works after one consent", async () => {
    const server = await start()
    const connection = await connect(`${server.url}/mcp`, await provider(), await person())
    expect(await connection.call("add_note", { text: "Buy milk" })).toContain("1")
    expect(await connection.call("list_notes")).toContain("Buy milk")
    expect(await connection.call("whoami")).toContain("notes:write")
  })

  // The 1.x line answers a 403 with its refresh token, which no refresh widens (RFC 6749 §6), and then gives up (ADR 55).
  it.runIf(sdk === Sdk.v1)(
    "an MCP client that refreshes instead of step-up keeps what it has, and gets more by a new login",
    async () => {
      const server = await start()
      const mcp = `${server.url}/mcp`
      const [client, who] = [await provider(), await person()]
      const connection = await connect(mcp, client, who, ["notes:read"])
      await expect(connection.call("add_note", { text: "Buy milk" })).rejects.toThrow(/403/)
      expect(client.provider.sentTo).toBeUndefined()
      expect(await connection.call("list_notes")).not.toContain("Buy milk")
      expect(await connection.call("whoami")).not.toContain("notes:write")

      // What its app does for its user: it forgets the tokens and connects again. The challenge names all scopes.
      client.provider.invalidateCredentials("tokens")
      const again = await connect(mcp, client, who, ["notes:read", "notes:write"])
      await again.call("add_note", { text: "Buy milk" })
      expect(await again.call("list_notes")).toContain("Buy milk")
      expect(await again.call("whoami")).toContain("notes:read")
    }
  )

  it.runIf(sdk === Sdk.v2)(
    "an MCP client requests more scope when a tool needs it (RFC 6750 §3.1, MCP step-up authorization)",
    async () => {
      const server = await start()
      const mcp = `${server.url}/mcp`
      const [client, who] = [await provider(), await person()]
      // The demo asks for all scopes at once; the person allows less.
      const connection = await connect(mcp, client, who, ["notes:read"])
      expect(await connection.call("whoami")).not.toContain("notes:write")
      await McpClient.withPerson(sdk, mcp, client, who, () => connection.call("add_note", { text: "Buy milk" }))
      expect(await connection.call("list_notes")).toContain("Buy milk")
      expect(await connection.call("whoami")).toContain("notes:write")
    }
  )

  it("an MCP client refreshes when its access token has expired (RFC 6749 §6)", async () => {
    const server = await start({ env: { LATCHKEY_ACCESS_TOKEN_TTL: "1 second" } })
    const mcp = `${server.url}/mcp`
    const client = await provider()
    const connection = await connect(mcp, client, await person())
    const before = client.provider.tokens()
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(await connection.call("whoami")).toContain(username)
    const after = client.provider.tokens()
    expect(after.access_token).not.toBe(before.access_token)
    expect(after.refresh_token).not.toBe(before.refresh_token)
    expect(client.provider.sentTo).toBeUndefined()
  })

  it("an MCP client registers again when the server has deleted it (RFC 6749 §5.2)", async () => {
    const first = await start()
    const mcp = `${first.url}/mcp`
    const [client, who] = [await provider(), await person()]
    await (await connect(mcp, client, who)).close()
    const forgotten = client.provider.clientInformation().client_id
    await first.stop()

    await start({ args: ["--port", String(first.port)] })
    const connection = await connect(mcp, client, who)
    expect(await connection.call("whoami")).toContain(username)
    expect(client.provider.clientInformation().client_id).not.toBe(forgotten)
  })
})
