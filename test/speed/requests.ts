/** The kinds of requests whose costs the tests of this folder hold. */
import * as Documents from "../flow/support/Documents.js"
import { basic, type Client, redirectUri, tokensOf, toSearchParams } from "../flow/support/Server.js"
import type { CountedServer, Sent } from "./steps.js"

const scope = "notes:read notes:write"

/** Measures a request. `make` makes a new one each time. */
export type Measure = (make: () => Promise<Sent>, status?: number) => Promise<number>

/** Measures each kind of request, once the caches are filled. */
export const measureRequests = async (server: CountedServer, measure: Measure) => {
  const grant_types = ["authorization_code", "refresh_token", "client_credentials"]
  const client: Client = await server.addClient({ grant_types, redirect_uris: [redirectUri], scope })
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
  const measured = async (make: () => Promise<Sent> | Sent, status?: number) => {
    await server.exchange(await make())
    return measure(async () => make(), status)
  }
  const held = { authorization: `Bearer ${await token()}` }
  return {
    openRoute: await measured(() => get("/open")),
    metadata: await measured(() => get("/.well-known/oauth-authorization-server")),
    resourceMetadata: await measured(() => get("/.well-known/oauth-protected-resource/notes")),
    keySet: await measured(() => get("/jwks")),
    challenge: await measured(() => get("/notes"), 401),
    guardedRoute: await measured(() => get("/notes", held)),
    clientCredentials: await measured(() => form("/token", { grant_type: "client_credentials" })),
    introspect: await measured(async () => form("/introspect", { token: await token() })),
    revoke: await measured(async () => form("/revoke", { token: await token() })),
    refresh: await measured(async () =>
      form("/token", { grant_type: "refresh_token", refresh_token: await refreshToken() })
    ),
    redeem: await measured(async () => form("/token", await code())),
    register: await measured(
      () => ({ path: "/register", headers: { "content-type": "application/json" }, body: registration }),
      201
    ),
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
