/**
 * Each widely used MCP client connects to a server with default settings: discovery, registration or metadata document, login
 * and consent, code, refresh, and a tool call with the refreshed token.
 */
import * as oauth from "oauth4webapi"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Tokens from "../cli/support/Tokens.js"
import { Browser } from "../flow/support/Browser.js"
import { type ClientKey, claimsOf, makeKey, parametersOf, signed } from "../support/Assertions.js"
import * as Cli from "../support/Cli.js"
import { documentClients } from "./support/DocumentClients.js"
import * as DocumentHost from "./support/DocumentHost.js"
import {
  type KnownClient,
  type KnownDocument,
  type Registration,
  registeredClients,
  type ScopesFound
} from "./support/KnownClients.js"

type Json = Readonly<Record<string, unknown>>
type Strings = Readonly<Record<string, string>>

let host: DocumentHost.DocumentHost
let server: Cli.Server
beforeAll(async () => {
  host = await DocumentHost.open()
  server = await Cli.startServer({ args: ["--demo"], env: host.env })
  expect(await Tokens.createAccount(server)).toMatchObject({ code: 0 })
})
afterAll(() => Promise.all([server?.stop(), host?.close()]))

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
        code_challenge_methods_supported: expect.arrayContaining(["S256"]),
        // Claude has a document only for servers that list both.
        client_id_metadata_document_supported: true,
        token_endpoint_auth_methods_supported: expect.arrayContaining(["none", "private_key_jwt"])
      })
      served = scopesOf(document)
    }
  }
  return { challenge, resource, server: served }
}

/** Headers and form fields by which a client authenticates. */
interface Authentication {
  readonly headers?: Strings
  readonly fields?: Strings
}

/** What a client knows of itself. */
interface Identity {
  readonly id: string
  readonly authenticate: () => Authentication
}

const kid = "2026-11"
const keys = new Map<string, ClientKey>()

/** The key of a client and its URL. Clients with one URL share the key. */
const publishKey = (path: string) => {
  const key = keys.get(path) ?? makeKey("RS256", { alg: "RS256", kid, use: "sig" })
  keys.set(path, key)
  return { key, jwks_uri: host.publish(path, { keys: [key.jwk] }) }
}

/** Authenticates by the method that client and server agreed on. A client that signs does so for the issuer. */
const authenticator = (id: string, method: unknown, secret: string, key?: ClientKey) => (): Authentication => {
  if (method === "client_secret_basic") return { headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` } }
  if (method === "client_secret_post") return { fields: { client_id: id, client_secret: secret } }
  if (method === "none" || key === undefined) return { fields: { client_id: id } }
  const assertion = signed(key, { kid, typ: "JWT" }, claimsOf(id, server.url, Date.now()))
  return { fields: { client_id: id, ...parametersOf(assertion) } }
}

const register = async (client: KnownClient, { jwksPath, registration }: Registration): Promise<Identity> => {
  const { key, ...keyMembers } = jwksPath === undefined ? {} : publishKey(jwksPath)
  const answer = await post(client, "/register", { ...registration, ...keyMembers })
  expect(answer.status).toBe(201)
  const {
    client_id: id = "",
    client_secret = "",
    token_endpoint_auth_method: method
  } = (await answer.json()) as Strings
  return { id, authenticate: authenticator(id, method, client_secret, key) }
}

/** A client whose document has keys signs at every server that accepts signatures. */
const publish = ({ headers, jwksPath, members, path }: KnownDocument): Identity => {
  const id = `${host.origin}${path}`
  const { key, ...keyMembers } = jwksPath === undefined ? {} : publishKey(jwksPath)
  host.publish(path, { client_id: id, ...members, ...keyMembers }, headers)
  return { id, authenticate: authenticator(id, key === undefined ? "none" : "private_key_jwt", "", key) }
}

const redeem = async (client: KnownClient, identity: Identity, parameters: Readonly<Record<string, string>>) => {
  const authentication = identity.authenticate()
  const body = new URLSearchParams({ ...parameters, ...authentication.fields })
  const headers = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
    ...authentication.headers
  }
  const answer = await send(client, "/token", { method: "POST", body: body.toString(), headers })
  const tokens = (await answer.json()) as Readonly<Record<string, string>>
  expect(answer.status, JSON.stringify(Object.keys(tokens))).toBe(200)
  return tokens
}

describe.each([...registeredClients, ...documentClients].map((client) => [client.name, client] as const))(
  "%s",
  (_, client) => {
    it("the client connects to a server with default settings, from discovery to refresh", async () => {
      const found = await discover(client)
      const identity =
        "registration" in client.identity ? await register(client, client.identity) : publish(client.identity.document)

      const resource = (step: "authorization" | "code" | "refresh") =>
        client.resourceIn === undefined || client.resourceIn.includes(step) ? { resource: `${server.url}/mcp` } : {}
      const scope = client.scope(found)
      const verifier = oauth.generateRandomCodeVerifier()
      const request = new URLSearchParams({
        response_type: "code",
        client_id: identity.id,
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

      const tokens = await redeem(client, identity, {
        grant_type: "authorization_code",
        code: sentTo?.searchParams.get("code") ?? "",
        code_verifier: verifier,
        redirect_uri: client.redirectUri,
        ...resource("code")
      })
      expect(tokens).toMatchObject({ token_type: "Bearer", refresh_token: expect.any(String) })
      expect((await call(client, tokens.access_token)).status).toBe(200)

      const refreshed = await redeem(client, identity, {
        grant_type: "refresh_token",
        refresh_token: tokens.refresh_token ?? "",
        ...(client.refreshScope === undefined ? {} : { scope: client.refreshScope }),
        ...resource("refresh")
      })
      expect(refreshed).toMatchObject({ token_type: "Bearer", refresh_token: expect.any(String) })
      const called = await call(client, refreshed.access_token)
      expect(await called.json()).toMatchObject({ result: { isError: false } })
    })
  }
)
