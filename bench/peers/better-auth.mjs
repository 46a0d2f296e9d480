/**
 * better-auth with its OAuth provider plugin on SQLite, on bare node:http. Rate limits, log and telemetry are off, and passwords
 * are not hashed: logins are not measured.
 */
import { randomBytes } from "node:crypto"
import * as Http from "node:http"
import * as Path from "node:path"
import { oauthProvider } from "@better-auth/oauth-provider"
import { betterAuth } from "better-auth"
import { getMigrations } from "better-auth/db/migration"
import { toNodeHandler } from "better-auth/node"
import { jwt } from "better-auth/plugins"
import Database from "better-sqlite3"
import { DATA, origin, PORT, redirectUri, stopAtSignal, tune } from "./serve.mjs"

const db = tune(new Database(Path.join(DATA, "auth.db")))
let nextId
const auth = betterAuth({
  baseURL: origin,
  secret: "a-long-enough-secret-for-the-bench-0123456789",
  database: db,
  emailAndPassword: {
    enabled: true,
    password: { hash: async (password) => password, verify: async ({ hash, password }) => hash === password }
  },
  rateLimit: { enabled: false },
  logger: { disabled: true },
  telemetry: { enabled: false },
  trustedOrigins: [origin],
  disabledPaths: ["/token"],
  plugins: [
    jwt({ jwks: { keyPairConfig: { alg: "ES256" } }, jwt: { issuer: origin } }),
    oauthProvider({
      loginPage: "/login",
      consentPage: "/consent",
      scopes: ["openid", "offline_access", "api"],
      cachedTrustedClients: new Set(["conf", "pub"]),
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
      clientPrivileges: async () => true,
      generateClientId: () => {
        const id = nextId ?? randomBytes(24).toString("base64url")
        nextId = undefined
        return id
      },
      rateLimit: { token: false, authorize: false, introspect: false, revoke: false, register: false, userinfo: false },
      silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true }
    })
  ]
})
await (await getMigrations(auth.options)).runMigrations()

const admin = { email: "admin@bench.example", password: "password-1", name: "admin" }
const signUp = await auth.api.signUpEmail({ body: admin, asResponse: true })
const cookies = signUp.headers.getSetCookie().map((cookie) => cookie.split(";")[0])
const headers = new Headers({ cookie: cookies.join("; ") })

const create = (id, body) => {
  nextId = id
  const common = {
    redirect_uris: [redirectUri],
    response_types: ["code"],
    scope: "api offline_access",
    skip_consent: true
  }
  return auth.api.adminCreateOAuthClient({ headers, body: { ...common, client_name: id, ...body } })
}
const confidential = await create("conf", {
  token_endpoint_auth_method: "client_secret_basic",
  grant_types: ["client_credentials", "authorization_code", "refresh_token"],
  client_credentials_scopes: ["api"]
})
const open = await create("pub", {
  token_endpoint_auth_method: "none",
  application_type: "web",
  grant_types: ["authorization_code", "refresh_token"]
})
const clients = JSON.stringify({
  confidential: { id: confidential.client_id, secret: confidential.client_secret },
  public: { id: open.client_id }
})
const credentials = Buffer.from(`${confidential.client_id}:${confidential.client_secret}`).toString("base64")

/** Checks an opaque token by the plugin's own introspection, in the process and without a socket. */
const isActive = async (token) => {
  const request = new Request(`${origin}/api/auth/oauth2/introspect`, {
    method: "POST",
    headers: { authorization: `Basic ${credentials}`, "content-type": "application/x-www-form-urlencoded" },
    body: `token=${encodeURIComponent(token)}`
  })
  return (await (await auth.handler(request)).json()).active === true
}

const handler = toNodeHandler(auth)
const json = { "content-type": "application/json" }
const server = Http.createServer(async (request, response) => {
  if (request.url === "/api/plain") return response.writeHead(200, json).end('{"ok":true}')
  if (request.url === "/bench") return response.writeHead(200, json).end(clients)
  if (request.url !== "/api/protected") return handler(request, response)
  const token = (request.headers.authorization ?? "").slice(7)
  const isValid = await isActive(token).catch(() => false)
  return isValid ? response.writeHead(200, json).end('{"ok":true}') : response.writeHead(401).end()
})
server.listen(Number(PORT), "127.0.0.1")
stopAtSignal(server, () => db.close())
