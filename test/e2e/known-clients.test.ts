/**
 * Each widely used MCP client connects to a server with default settings: discovery, registration, login and consent, code,
 * refresh, and a tool call with the refreshed token.
 */
import * as oauth from "oauth4webapi"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Tokens from "../cli/support/Tokens.js"
import { Browser } from "../flow/support/Browser.js"
import { claimsOf, parametersOf, signed } from "../support/Assertions.js"
import * as Cli from "../support/Cli.js"
import { chatGptKey, type KnownClient, knownClients, type ScopesFound } from "./support/KnownClients.js"

type Json = Readonly<Record<string, unknown>>

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo"] })
  expect(await Tokens.createAccount(server)).toMatchObject({ code: 0 })
})
afterAll(() => server?.stop())

/** Sends a request as the client does: one in a browser asks first, and may read the answer of any origin. */
const send = async (client: KnownClient, path: string, init: RequestInit = {}): Promise<Response> => {
  const headers = new Headers(client.headers)
  for (const [name, value] of new Headers(init.headers)) headers.set(name, value)
  const origin = headers.get("origin")
  if (origin !== null) {
    const asked = Array.from(headers.keys()).filter((name) => name !== "origin")
    const preflight = await fetch(`${server.url}${path}`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": init.method ?? "GET",
        "access-control-request-headers": asked.join(",")
      }
    })
    expect(preflight.status, path).toBe(204)
    const allowed = preflight.headers.get("access-control-allow-headers")?.toLowerCase() ?? ""
    for (const name of asked) expect(allowed, path).toContain(name)
  }
  const answer = await fetch(`${server.url}${path}`, { ...init, headers })
  if (origin !== null) expect(answer.headers.get("access-control-allow-origin"), path).toBe("*")
  return answer
}

const post = (client: KnownClient, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  send(client, path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers }
  })

const call = (client: KnownClient, token?: string) =>
  post(
    client,
    "/mcp",
    { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "add_note", arguments: { text: client.name } } },
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  )

const scopesOf = (document: Json): string => (document.scopes_supported as ReadonlyArray<string>).join(" ")

/** What the client reads before it registers: each answer is one that it can go on from. */
const discover = async (client: KnownClient): Promise<ScopesFound> => {
  const refused = await call(client)
  expect(refused.status).toBe(401)
  if (client.headers?.origin !== undefined) {
    expect(refused.headers.get("access-control-expose-headers")).toContain("WWW-Authenticate")
  }
  const challenge = /scope="([^"]*)"/.exec(refused.headers.get("www-authenticate") ?? "")?.[1] ?? ""
  let resource = ""
  let served = ""
  for (const { method = "GET", path, status } of client.lookups) {
    const answer = await send(client, path, { method })
    expect(answer.status, path).toBe(status)
    if (method === "HEAD" || status !== 200) continue
    const document = (await answer.json()) as Json
    if (path.includes("oauth-protected-resource")) {
      expect(document).toMatchObject({ resource: `${server.url}/mcp`, authorization_servers: [server.url] })
      resource = scopesOf(document)
    } else {
      expect(document).toMatchObject({
        issuer: server.url,
        code_challenge_methods_supported: expect.arrayContaining(["S256"])
      })
      served = scopesOf(document)
    }
  }
  return { challenge, resource, server: served }
}

/** The secret goes where the registration says, or nowhere; a client that signs sends an assertion. */
const authenticate = (registered: Json, body: URLSearchParams): Record<string, string> => {
  const { client_id, client_secret, token_endpoint_auth_method: method } = registered as Record<string, string>
  if (method === "private_key_jwt") {
    const claims = claimsOf(client_id ?? "", server.url, Date.now())
    const assertion = signed(chatGptKey, { kid: "chatgpt", typ: "JWT" }, claims)
    for (const [name, value] of Object.entries(parametersOf(assertion))) body.set(name, value)
  }
  if (method === "client_secret_basic") return { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` }
  body.set("client_id", client_id ?? "")
  if (method === "client_secret_post") body.set("client_secret", client_secret ?? "")
  return {}
}

const redeem = async (client: KnownClient, registered: Json, parameters: Readonly<Record<string, string>>) => {
  const body = new URLSearchParams(parameters)
  const headers = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
    ...authenticate(registered, body)
  }
  const answer = await send(client, "/token", { method: "POST", body: body.toString(), headers })
  const tokens = (await answer.json()) as Readonly<Record<string, string>>
  expect(answer.status, JSON.stringify(Object.keys(tokens))).toBe(200)
  return tokens
}

describe.each(knownClients.map((client) => [client.name, client] as const))("%s", (_, client) => {
  it("the client connects to a server with default settings, from discovery to refresh", async () => {
    const found = await discover(client)
    const answer = await post(client, "/register", client.registration)
    expect(answer.status).toBe(201)
    const registered = (await answer.json()) as Json

    const resource = (step: "authorization" | "code" | "refresh") =>
      client.resourceIn === undefined || client.resourceIn.includes(step) ? { resource: `${server.url}/mcp` } : {}
    const scope = client.scope(found)
    const verifier = oauth.generateRandomCodeVerifier()
    const request = new URLSearchParams({
      response_type: "code",
      client_id: String(registered.client_id),
      redirect_uri: client.redirectUri,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: "a state",
      ...(scope === undefined ? {} : { scope }),
      ...resource("authorization"),
      ...client.authorization
    })
    const browser = new Browser(fetch, server.url)
    const login = await browser.open(`${server.url}/authorize?${request}`)
    const { password, username } = Tokens
    const consent = await browser.submit(login, { fields: { username, password } })
    const { html, sentTo } = await browser.submit(consent, { button: "allow" })
    expect(sentTo?.href.split("?")[0], html).toBe(client.redirectUri)
    expect(sentTo?.searchParams.get("state")).toBe("a state")
    expect(sentTo?.searchParams.get("iss")).toBe(server.url)

    const tokens = await redeem(client, registered, {
      grant_type: "authorization_code",
      code: sentTo?.searchParams.get("code") ?? "",
      code_verifier: verifier,
      redirect_uri: client.redirectUri,
      ...resource("code")
    })
    expect(tokens).toMatchObject({ token_type: "Bearer", refresh_token: expect.any(String) })
    expect((await call(client, tokens.access_token)).status).toBe(200)

    const refreshed = await redeem(client, registered, {
      grant_type: "refresh_token",
      refresh_token: tokens.refresh_token ?? "",
      ...(client.refreshScope === undefined ? {} : { scope: client.refreshScope }),
      ...resource("refresh")
    })
    expect(refreshed).toMatchObject({ token_type: "Bearer", refresh_token: expect.any(String) })
    const called = await call(client, refreshed.access_token)
    expect(await called.json()).toMatchObject({ result: { isError: false } })
  })
})
