/**
 * The servers of the bench: the lower bound, Latchkey on each storage, and the peers, each with its endpoints and with the
 * reasons for the items that it cannot do.
 */
import { fileURLToPath } from "node:url"

/** @typedef {{ readonly id: string, readonly secret?: string, readonly method?: "basic" | "post" }} Client */

/**
 * `place`: the group of a server in the report. `clients`: where the server prints clients that it has made itself. `setup`: the
 * requests by which a browser of the peer logs in. `hasLoginPage`: a browser logs in and consents at the server's own pages.
 * `keepsPreviousToken`: a spent refresh token is refused only after its successor was used.
 *
 * @typedef {{
 *   readonly name: string, readonly label: string, readonly place: "bound" | "control" | "latchkey" | "peer",
 *   readonly script: string, readonly environment?: Readonly<Record<string, string>>, readonly isPostgres?: boolean,
 *   readonly ready: string, readonly metadata: string, readonly token: string, readonly clients?: string,
 *   readonly authorize: {
 *     readonly path: string, readonly hasLoginPage?: boolean,
 *     readonly setup?: { readonly method: "GET" | "POST", readonly path: string, readonly json?: Readonly<Record<string, string>> }
 *   },
 *   readonly scope: string, readonly ccScope?: string, readonly confidential: Client, readonly public?: Client | undefined,
 *   readonly introspect: string, readonly revoke: string, readonly register: string,
 *   readonly registration?: Readonly<Record<string, string>>,
 *   readonly open: string, readonly guarded: string, readonly makeGuard?: string,
 *   readonly tokensBy: "client_credentials" | "code", readonly keepsPreviousToken?: boolean,
 *   readonly leftOut?: Readonly<Record<string, string>>
 * }} Target
 */

/** The redirect URI of every client. It is never requested. */
export const redirectUri = "https://app.example/cb"

/** @param {string} path */
const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))

const metadata = "/.well-known/oauth-authorization-server"
const secret = "conf-secret-conf-secret-conf-secret"

/** @satisfies {Partial<Target>} */
const usual = {
  ready: metadata,
  metadata,
  token: "/token",
  authorize: { path: "/authorize" },
  scope: "api",
  confidential: { id: "conf", secret },
  introspect: "/introspect",
  revoke: "/revoke",
  register: "/register",
  open: "/api/plain",
  guarded: "/api/protected",
  tokensBy: /** @type {const} */ ("client_credentials")
}

/** A public client of a fixed id. Latchkey's only client is confidential: it authenticates in each flow. */
const publicClient = { id: "pub" }

/** @satisfies {Partial<Target>} */
const bound = {
  ...usual,
  public: publicClient,
  script: file("servers/bound.mjs"),
  authorize: { path: "/authorize", setup: { method: "GET", path: "/login" } },
  makeGuard: "/api/protected"
}

/** @satisfies {Partial<Target>} */
const latchkey = {
  ...usual,
  place: /** @type {const} */ ("latchkey"),
  script: file("servers/latchkey.mjs"),
  clients: "/bench",
  authorize: { path: "/authorize", hasLoginPage: true },
  confidential: { id: "" },
  open: "/open",
  guarded: "/api",
  makeGuard: "/api"
}

const oidcProvider = {
  ...usual,
  public: publicClient,
  place: /** @type {const} */ ("peer"),
  script: file("peers/oidc-provider.mjs"),
  ready: "/.well-known/openid-configuration",
  metadata: "/.well-known/openid-configuration",
  authorize: { path: "/auth" },
  introspect: "/token/introspection",
  revoke: "/token/revocation",
  register: "/reg"
}

const noClientCredentials = "no client_credentials grant"

/** @type {ReadonlyArray<Target>} */
export const targets = [
  { ...bound, name: "bound", label: "lower bound", place: "bound" },
  { ...bound, name: "control", label: "lower bound, again", place: "control" },
  { ...latchkey, name: "latchkey-sqlite", label: "Latchkey, SQLite FULL" },
  {
    ...latchkey,
    name: "latchkey-memory",
    label: "Latchkey, memory",
    environment: { STORAGE: "memory" }
  },
  {
    ...latchkey,
    name: "latchkey-postgres",
    label: "Latchkey, PostgreSQL",
    environment: { STORAGE: "postgres" },
    isPostgres: true
  },
  {
    ...oidcProvider,
    name: "oidc-provider-sqlite",
    label: "oidc-provider 9.13, SQLite NORMAL",
    environment: { STORAGE: "sqlite" }
  },
  { ...oidcProvider, name: "oidc-provider-memory", label: "oidc-provider 9.13, memory" },
  {
    ...usual,
    public: publicClient,
    name: "node-oauth2-server",
    label: "node-oauth2-server 5.3, SQLite NORMAL",
    place: "peer",
    script: file("peers/node-oauth2-server.mjs"),
    ready: "/api/plain",
    leftOut: {
      metadata: "no metadata endpoint",
      introspect: "no introspection endpoint",
      revoke: "no revocation endpoint",
      register: "no registration endpoint"
    }
  },
  {
    ...usual,
    public: publicClient,
    name: "mcp-sdk",
    label: "MCP SDK 1.32, memory",
    place: "peer",
    script: file("peers/mcp-sdk.mjs"),
    confidential: { id: "conf", secret, method: "post" },
    registration: { token_endpoint_auth_method: "client_secret_post" },
    tokensBy: "code",
    leftOut: { client_credentials: noClientCredentials }
  },
  {
    ...usual,
    public: publicClient,
    name: "better-auth",
    label: "better-auth 1.7, SQLite NORMAL",
    place: "peer",
    script: file("peers/better-auth.mjs"),
    clients: "/bench",
    token: "/api/auth/oauth2/token",
    authorize: {
      path: "/api/auth/oauth2/authorize",
      setup: {
        method: "POST",
        path: "/api/auth/sign-up/email",
        json: { email: "{unique}@bench.example", password: "password-1", name: "{unique}" }
      }
    },
    scope: "api offline_access",
    ccScope: "api",
    introspect: "/api/auth/oauth2/introspect",
    revoke: "/api/auth/oauth2/revoke",
    register: "/api/auth/oauth2/register"
  },
  {
    ...usual,
    public: publicClient,
    name: "workers-oauth-provider",
    label: "workers-oauth-provider 1.2, memory",
    place: "peer",
    script: file("peers/workers-oauth-provider.mjs"),
    clients: "/bench",
    token: "/oauth/token",
    revoke: "/oauth/token",
    register: "/oauth/register",
    tokensBy: "code",
    // A refresh token stays valid until its successor is used.
    keepsPreviousToken: true,
    leftOut: { client_credentials: noClientCredentials, introspect: "no introspection endpoint" }
  }
]

/** @param {string} name */
export const named = (name) => {
  const target = targets.find((target) => target.name === name)
  if (target === undefined)
    throw new Error(`no server is named ${name}; there are ${targets.map((t) => t.name).join(", ")}`)
  return target
}
