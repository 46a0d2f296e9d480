/**
 * The budgets of steps: each kind of request takes at most so many primitives of Effect's run loop. The run loop is most of what
 * a request costs, and a count is the same on every machine.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import * as SqliteStorage from "../../src/layers/SqliteStorage.js"
import { basic, type Client, redirectUri, tokensOf, toSearchParams } from "../flow/support/Server.js"
import { temporaryFile } from "../layers/temporaryFile.js"
import { type CountedServer, type Sent, withServer } from "./steps.js"

const sqlite = Layer.unwrapScoped(Effect.map(temporaryFile, (filename) => SqliteStorage.layer({ filename })))

const scope = "notes:read notes:write"

/** The steps of each kind of request, once the caches are filled. */
const count = async (server: CountedServer) => {
  const grant_types = ["authorization_code", "refresh_token", "client_credentials"]
  const client: Client = await server.addClient({ grant_types, redirect_uris: [redirectUri], scope })
  const credentials = basic(client.client_id, String(client.client_secret))
  const form = (path: string, fields: Readonly<Record<string, string>>): Sent => ({
    path,
    headers: { ...credentials, "content-type": "application/x-www-form-urlencoded" },
    body: toSearchParams(fields).toString()
  })
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) => ({ path, headers })
  const token = async () => (await tokensOf(server.token(client, { grant_type: "client_credentials" }))).access_token
  const browser = server.browser()
  const first = await server.request(client)
  await browser.submit(await server.logIn(browser, await browser.open(first.url)), { button: "allow" })
  const cookie = Array.from(browser.cookies, ([name, value]) => `${name}=${value}`).join("; ")
  const authorize = async () => {
    const { url, verifier } = await server.request(client)
    return { sent: get(url.pathname + url.search, { cookie }), verifier }
  }
  const code = async () => {
    const { sent, verifier } = await authorize()
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
  const steps = async (make: () => Promise<Sent> | Sent, status?: number) => {
    await server.exchange(await make())
    return server.stepsOf(async () => make(), status)
  }
  const held = { authorization: `Bearer ${await token()}` }
  return {
    openRoute: await steps(() => get("/open")),
    metadata: await steps(() => get("/.well-known/oauth-authorization-server")),
    resourceMetadata: await steps(() => get("/.well-known/oauth-protected-resource/notes")),
    keySet: await steps(() => get("/jwks")),
    challenge: await steps(() => get("/notes"), 401),
    guardedRoute: await steps(() => get("/notes", held)),
    clientCredentials: await steps(() => form("/token", { grant_type: "client_credentials" })),
    introspect: await steps(async () => form("/introspect", { token: await token() })),
    revoke: await steps(async () => form("/revoke", { token: await token() })),
    refresh: await steps(async () =>
      form("/token", { grant_type: "refresh_token", refresh_token: await refreshToken() })
    ),
    redeem: await steps(async () => form("/token", await code())),
    register: await steps(
      () => ({ path: "/register", headers: { "content-type": "application/json" }, body: registration }),
      201
    ),
    authorize: await steps(async () => (await authorize()).sent, 303)
  }
}

type Counts = Awaited<ReturnType<typeof count>>

/** The most steps of each kind of request. The challenge of a guard passes the router, which takes 35 steps by itself. */
const budgets: Counts = {
  openRoute: 35,
  metadata: 20,
  resourceMetadata: 20,
  keySet: 20,
  challenge: 41,
  guardedRoute: 60,
  clientCredentials: 80,
  introspect: 80,
  revoke: 80,
  refresh: 100,
  redeem: 110,
  register: 110,
  authorize: 160
}

describe.each([
  ["SQLite", sqlite],
  ["memory", MemoryStorage.layer]
] as const)("the steps of a request, on %s", (_, storage) => {
  it("each kind of request keeps its budget", async () => {
    const counts = await withServer(storage, count)
    const over = Object.entries(counts).filter(([kind, steps]) => steps > budgets[kind as keyof Counts])
    expect(over.map(([kind, steps]) => `${kind}: ${steps} steps, budget ${budgets[kind as keyof Counts]}`)).toEqual([])
  })
})
