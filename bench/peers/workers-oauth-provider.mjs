/** @cloudflare/workers-oauth-provider on Node by @hono/node-server. Its KV is a map of strings. */
import * as Http from "node:http"
import { register } from "node:module"
import { origin, PORT, redirectUri, stopAtSignal } from "./serve.mjs"

register("./cloudflareWorkers.mjs", import.meta.url)
const { OAuthProvider } = await import("@cloudflare/workers-oauth-provider")
const { getRequestListener } = await import("@hono/node-server")

/** The methods of KV that the provider calls. A list by prefix comes from an index, as from the ordered keys of a real KV. */
class Namespace {
  entries = new Map()
  index = new Map()

  prefixes(key) {
    const parts = key.split(":")
    return [1, 2, 3].filter((count) => count < parts.length).map((count) => `${parts.slice(0, count).join(":")}:`)
  }

  find(key) {
    const entry = this.entries.get(key)
    if (!entry?.expiresAt || entry.expiresAt >= Date.now()) return entry
    this.remove(key)
    return undefined
  }

  remove(key) {
    if (this.entries.delete(key)) for (const prefix of this.prefixes(key)) this.index.get(prefix)?.delete(key)
  }

  async get(key, options) {
    const entry = this.find(key)
    if (!entry) return null
    return (options?.type ?? options) === "json" ? JSON.parse(entry.value) : entry.value
  }

  async put(key, value, { expiration = 0, expirationTtl } = {}) {
    if (!this.entries.has(key)) {
      for (const prefix of this.prefixes(key)) {
        if (!this.index.has(prefix)) this.index.set(prefix, new Set())
        this.index.get(prefix).add(key)
      }
    }
    const expiresAt = expirationTtl ? Date.now() + expirationTtl * 1000 : expiration * 1000
    this.entries.set(key, { value, expiresAt })
  }

  async delete(key) {
    this.remove(key)
  }

  async list({ limit = 1000, prefix = "" } = {}) {
    const keys = this.index.get(prefix) ?? Array.from(this.entries.keys()).filter((key) => key.startsWith(prefix))
    const found = []
    for (const name of keys) {
      if (found.length >= limit) break
      if (this.find(name)) found.push({ name })
    }
    return { keys: found, list_complete: true, cacheStatus: null }
  }
}

const environment = { OAUTH_KV: new Namespace() }
const context = { waitUntil() {}, passThroughOnException() {}, props: {} }
const json = (value) => new Response(JSON.stringify(value), { headers: { "content-type": "application/json" } })

const create = (oauth, name, tokenEndpointAuthMethod) =>
  oauth.createClient({
    clientName: name,
    redirectUris: [redirectUri],
    tokenEndpointAuthMethod,
    grantTypes: ["authorization_code", "refresh_token"],
    responseTypes: ["code"]
  })

let clients
const makeClients = async (oauth) => {
  const confidential = await create(oauth, "conf", "client_secret_basic")
  const open = await create(oauth, "pub", "none")
  return {
    confidential: { id: confidential.clientId, secret: confidential.clientSecret },
    public: { id: open.clientId }
  }
}

const answer = async (request, { OAUTH_PROVIDER: oauth }) => {
  const { pathname } = new URL(request.url)
  if (pathname === "/api/plain") return json({ ok: true })
  if (pathname === "/bench") {
    clients ??= await makeClients(oauth)
    return json(clients)
  }
  if (pathname !== "/authorize") return new Response("not found", { status: 404 })
  const parsed = await oauth.parseAuthRequest(request)
  const { redirectTo } = await oauth.completeAuthorization({
    request: parsed,
    userId: "user-1",
    metadata: {},
    scope: parsed.scope,
    props: { userId: "user-1" },
    revokeExistingGrants: false
  })
  return new Response(null, { status: 302, headers: { location: redirectTo } })
}

const provider = new OAuthProvider({
  apiRoute: "/api/protected",
  apiHandler: { fetch: async () => json({ ok: true }) },
  defaultHandler: { fetch: answer },
  authorizeEndpoint: "/authorize",
  tokenEndpoint: "/oauth/token",
  clientRegistrationEndpoint: "/oauth/register",
  scopesSupported: ["api", "offline_access"],
  resourceMetadata: { resource: `${origin}/api/protected`, authorization_servers: [origin] },
  onError: () => {}
})
const fetch = (request) => provider.fetch(request, environment, context)
const server = Http.createServer(getRequestListener(fetch, { overrideGlobalObjects: true }))
server.listen(Number(PORT), "127.0.0.1")
stopAtSignal(server)
