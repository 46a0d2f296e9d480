/** The kinds of requests whose costs the tests of this folder hold. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InitialAccessTokens } from "../../src/services/clients/InitialAccessTokens.js"
import * as Documents from "../flow/support/Documents.js"
import { basic, type Client, redirectUri, tokensOf, toSearchParams } from "../flow/support/Server.js"
import { claimsOf, makeKey, parametersOf, signed } from "../support/Assertions.js"
import type { CountedServer, Sent } from "./steps.js"

const scope = "notes:read notes:write"

/** Measures a request. `make` makes a new one each time. */
export type Measure = (make: () => Promise<Sent>, status?: number) => Promise<number>

/** Measures each kind of request, once the caches are filled. */
export const measureRequests = async (server: CountedServer, measure: Measure) => {
  const grant_types = ["authorization_code", "refresh_token", "client_credentials"]
  const client: Client = await server.addClient({ grant_types, redirect_uris: [redirectUri], scope })
  const key = makeKey("ES256")
  const signer = await server.addClient({
    scope,
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [key.jwk] }
  })
  const asserted = () => {
    const assertion = signed(key, {}, claimsOf(signer.client_id, server.issuer, Date.now()))
    return toSearchParams({ grant_type: "client_credentials", ...parametersOf(assertion) }).toString()
  }
  const credentials = basic(client.client_id, String(client.client_secret))
  const form = (path: string, fields: Readonly<Record<string, string>>): Sent => ({
    path,
    headers: { ...credentials, "content-type": "application/x-www-form-urlencoded" },
    body: toSearchParams(fields).toString()
  })
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) => ({ path, headers })
  const publicForm = (fields: Readonly<Record<string, string>>): Sent => ({
    path: "/token",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: toSearchParams({ client_id: Documents.url, ...fields }).toString()
  })
  const token = async () => (await tokensOf(server.token(client, { grant_type: "client_credentials" }))).access_token
  const documentClient: Client = { client_id: Documents.url, token_endpoint_auth_method: "none" }
  const browser = server.browser()
  const first = await server.request(client)
  await browser.submit(await server.logIn(browser, await browser.open(first.url)), { button: "allow" })
  await browser.submit(await browser.open((await server.request(documentClient)).url), { button: "allow" })
  const cookie = Array.from(browser.cookies, ([name, value]) => `${name}=${value}`).join("; ")
  const authorize = async (by = client) => {
    const { url, verifier } = await server.request(by)
    return { sent: get(url.pathname + url.search, { cookie }), verifier }
  }
  const code = async (by = client) => {
    const { sent, verifier } = await authorize(by)
    const { headers } = await server.exchange(sent)
    return {
      grant_type: "authorization_code",
      code: new URL(String(headers.location)).searchParams.get("code") ?? "",
      redirect_uri: redirectUri,
      code_verifier: verifier
    }
  }
  const refreshToken = async () => (await tokensOf(server.token(client, await code()))).refresh_token
  const registration = JSON.stringify({ client_name: "Somebody's client", redirect_uris: [redirectUri] })
  const register = (headers: Readonly<Record<string, string>> = {}): Sent => ({
    path: "/register",
    headers: { "content-type": "application/json", ...headers },
    body: registration
  })
  const { secret } = await server.run(Effect.flatMap(InitialAccessTokens, ({ create }) => create({})))
  const admitted = { authorization: `Bearer ${Redacted.value(secret)}` }
  let changes = 0
  /** A request of a new client for its registration. */
  const manage = async (method: string): Promise<Sent> => {
    const client = JSON.parse((await server.exchange(register(admitted))).text)
    const update = JSON.stringify({
      ...JSON.parse(registration),
      client_id: client.client_id,
      client_name: `${++changes}`
    })
    return {
      method,
      path: new URL(client.registration_client_uri).pathname,
      headers: {
        authorization: `Bearer ${client.registration_access_token}`,
        ...(method === "PUT" ? { "content-type": "application/json" } : {})
      },
      ...(method === "PUT" ? { body: update } : {})
    }
  }
  const measured = async (make: () => Promise<Sent> | Sent, status?: number) => {
    await server.exchange(await make())
    return measure(async () => make(), status)
  }
  const tool = (name: string): Sent => ({
    path: "/mcp",
    headers: { ...held, "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } })
  })
  const held = { authorization: `Bearer ${await token()}` }
  return {
    openRoute: await measured(() => get("/open")),
    metadata: await measured(() => get("/.well-known/oauth-authorization-server")),
    resourceMetadata: await measured(() => get("/.well-known/oauth-protected-resource/notes")),
    keySet: await measured(() => get("/jwks")),
    challenge: await measured(() => get("/notes"), 401),
    guardedRoute: await measured(() => get("/notes", held)),
    toolCall: await measured(() => tool("add_note")),
    refusedToolCall: await measured(() => tool("burn_notes"), 403),
    clientCredentials: await measured(() => form("/token", { grant_type: "client_credentials" })),
    clientAssertion: await measured(() => ({
      path: "/token",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: asserted()
    })),
    introspect: await measured(async () => form("/introspect", { token: await token() })),
    revoke: await measured(async () => form("/revoke", { token: await token() })),
    refresh: await measured(async () =>
      form("/token", { grant_type: "refresh_token", refresh_token: await refreshToken() })
    ),
    redeem: await measured(async () => form("/token", await code())),
    register: await measured(() => register(), 201),
    registerWithToken: await measured(() => register(admitted), 201),
    readRegistration: await measured(() => manage("GET")),
    updateRegistration: await measured(() => manage("PUT")),
    deleteRegistration: await measured(() => manage("DELETE"), 204),
    authorize: await measured(async () => (await authorize()).sent, 303),
    documentRedeem: await measured(async () => publicForm(await code(documentClient))),
    documentRefresh: await measured(async () => {
      const { refresh_token } = await tokensOf(server.token(documentClient, await code(documentClient)))
      return publicForm({ grant_type: "refresh_token", refresh_token })
    }),
    // The document is cached, and the consent remembered.
    documentAuthorize: await measured(async () => (await authorize(documentClient)).sent, 303)
  }
}
