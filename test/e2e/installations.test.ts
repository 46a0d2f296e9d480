/**
 * Three installations of one app, which share a metadata document, at a server on a SQLite file: each is seen, removed and
 * detected for reuse by itself, also after a restart of the server.
 */
import { setTimeout as sleep } from "node:timers/promises"
import * as oauth from "oauth4webapi"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Tokens from "../cli/support/Tokens.js"
import { Browser, type Page, withForm } from "../flow/support/Browser.js"
import * as Cli from "../support/Cli.js"
import * as DocumentHost from "./support/DocumentHost.js"

type Strings = Readonly<Record<string, string>>

const redirectUri = "http://127.0.0.1/callback"
const { password, username } = Tokens

let host: DocumentHost.DocumentHost
let server: Cli.Server
let clientId: string

const start = async (folder: string, port: number) => {
  const env = { ...host.env, LATCHKEY_REFRESH_WINDOW: "1 second" }
  server = await Cli.startServer({ args: ["--demo", "--port", String(port)], env, folder })
}

beforeAll(async () => {
  host = await DocumentHost.open()
  clientId = host.publishClient("/oauth/claude-code-client-metadata", {
    client_name: "Claude Code",
    redirect_uris: ["http://localhost/callback", redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "none"
  })
  await start(Cli.newFolder(), await Cli.freePort())
  expect(await Tokens.createAccount(server)).toMatchObject({ code: 0 })
})
afterAll(async () => {
  await Promise.all([server?.stop(), host?.close()])
  if (server !== undefined) Cli.removeFolder(server.folder)
})

const post = (parameters: Strings) =>
  fetch(`${server.url}/token`, {
    method: "POST",
    body: new URLSearchParams({ client_id: clientId, ...parameters })
  })

/** Installs the app: a user allows it in a browser of this kind. Returns its tokens. */
const install = async (userAgent: string): Promise<Strings> => {
  const verifier = oauth.generateRandomCodeVerifier()
  const redirect_uri = redirectUri.replace("127.0.0.1", `127.0.0.1:${await Cli.freePort()}`)
  const request = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri,
    scope: "notes:read",
    resource: `${server.url}/mcp`,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    prompt: "consent"
  })
  const browser = new Browser(fetch, server.url)
  browser.userAgent = userAgent
  const login = await browser.open(`${server.url}/authorize?${request}`)
  const consent = await browser.submit(login, { fields: { username, password } })
  const { html, sentTo } = await browser.submit(consent, { button: "allow" })
  const code = sentTo?.searchParams.get("code")
  if (code === undefined || code === null) throw new Error(`there is no code; the page was\n${html}`)
  const answer = await post({ grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri })
  return (await answer.json()) as Strings
}

const refresh = async (token: string | undefined): Promise<Strings> =>
  (await (await post({ grant_type: "refresh_token", refresh_token: token ?? "" })).json()) as Strings

const call = async ({ access_token }: Strings): Promise<number> => {
  const answer = await fetch(`${server.url}/mcp`, {
    method: "POST",
    headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "whoami", arguments: {} } })
  })
  return answer.status
}

const account = async () => {
  const browser = new Browser(fetch, server.url)
  const login = await browser.open(`${server.url}/account`)
  const page = await browser.submit(login, { fields: { username, password } })
  return { browser, page }
}

/** The browsers in which the listed installations were allowed. */
const browsersOf = (page: Page) =>
  page.document.querySelectorAll("section li.row").map((row) => row.querySelector("b")?.text)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
const chrome =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
const safari =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15"

describe("installations of one app on a SQLite file", () => {
  it("each installation is listed, removed and detected for reuse by itself", async () => {
    const [removed, stolen, untouched] = [await install(firefox), await install(chrome), await install(safari)]
    await server.stop()
    await start(server.folder, server.port)

    const { browser, page } = await account()
    expect(browsersOf(page)).toEqual([
      expect.stringContaining("Safari"),
      expect.stringContaining("Chrome"),
      expect.stringContaining("Firefox")
    ])

    const form = withForm(page, "installation", 2)
    expect(form.html).toContain("Firefox")
    await browser.submit(form, { button: "installation" })
    expect(await Promise.all([removed, stolen, untouched].map(call))).toEqual([401, 200, 200])
    expect(await refresh(removed.refresh_token)).toMatchObject({ error: "invalid_grant" })

    const successor = await refresh(stolen.refresh_token)
    await sleep(1_100)
    expect(await refresh(stolen.refresh_token)).toMatchObject({ error: "invalid_grant" })
    expect(await refresh(successor.refresh_token)).toMatchObject({ error: "invalid_grant" })
    expect(await Promise.all([successor, untouched].map(call))).toEqual([401, 200])
    expect(await refresh(untouched.refresh_token)).toHaveProperty("access_token")

    const after = await account()
    expect(browsersOf(after.page)).toEqual([expect.stringContaining("Safari")])
  })
})
