/** mcp-remote, by which programs that know only local MCP servers reach a server behind a login, as it is on npm. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Tokens from "../cli/support/Tokens.js"
import { Browser } from "../flow/support/Browser.js"
import * as Cli from "../support/Cli.js"
import * as DocumentHost from "./support/DocumentHost.js"
import * as McpRemote from "./support/McpRemote.js"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 })

let host: DocumentHost.DocumentHost
let server: Cli.Server
beforeAll(async () => {
  McpRemote.install()
  host = await DocumentHost.open()
  server = await Cli.startServer({ args: ["--demo"], env: { ...host.env, LATCHKEY_ACCESS_TOKEN_TTL: "2 seconds" } })
  expect(await Tokens.createAccount(server)).toMatchObject({ code: 0 })
})
afterAll(() => Promise.all([server?.stop(), host?.close()]))

/** Logs in at the URL that the program opened, allows it, and lets the browser go back to the program. */
const allow = async (url: string): Promise<void> => {
  const browser = new Browser(fetch, server.url)
  const { password, username } = Tokens
  const consent = await browser.submit(await browser.open(url), { fields: { username, password } })
  const { html, sentTo } = await browser.submit(consent, { button: "allow" })
  if (sentTo === undefined) throw new Error(`the browser is sent nowhere:\n${html}`)
  expect((await fetch(sentTo)).status).toBe(200)
}

/** Returns the refresh token that the program stored. */
const refreshToken = (folder: string): string => {
  const file = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith("tokens.json"))
  return JSON.parse(readFileSync(join(folder, file ?? ""), "utf8")).refresh_token
}

const initialize = {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "latchkey-e2e", version: "1.0.0" }
}

/** Runs the program from its start to a tool call with a refreshed token. Returns the client id that it used. */
const use = async (args: ReadonlyArray<string>): Promise<string> => {
  const folder = Cli.newFolder()
  const remote = McpRemote.start(`${server.url}/mcp`, folder, ["--transport", "http-only", ...args])
  try {
    const initialized = remote.request("initialize", initialize)
    const url = await remote.opened()
    await allow(url)
    expect(await initialized).toHaveProperty("serverInfo")
    remote.notify("notifications/initialized")
    const before = refreshToken(folder)
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    expect(JSON.stringify(await remote.request("tools/call", { name: "whoami", arguments: {} }))).toContain("ada")
    expect(refreshToken(folder)).not.toBe(before)
    return new URL(url).searchParams.get("client_id") ?? ""
  } finally {
    await remote.stop()
    Cli.removeFolder(folder)
  }
}

describe("mcp-remote", () => {
  it("mcp-remote registers, lets a user log in, calls a tool and refreshes", async () => {
    expect(await use([])).not.toContain(":")
  })

  it("mcp-remote connects by the URL of a metadata document, calls a tool and refreshes", async () => {
    const port = await Cli.freePort()
    const client = host.publishClient("/mcp-remote/client.json", {
      client_name: "mcp-remote of a test",
      redirect_uris: [`http://localhost:${port}/oauth/callback`],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none"
    })
    expect(await use([String(port), "--client-metadata-url", client])).toBe(client)
  })
})
