/** The account API: the account of a user, for a program that the user allowed. */
import { describe, expect } from "@effect/vitest"
import * as Server from "../support/Server.js"
import { issuer, outcome, type TestServer, test } from "../support/Server.js"

interface Named {
  readonly $ref?: string
  readonly allOf?: ReadonlyArray<Named>
}

const withApi: Server.Options = { api: true }
const api = `${issuer}/api`

const program = async (server: TestServer) => {
  const client = await server.register()
  const { access_token } = await server.tokens(client, { resource: api, scope: "latchkey:account" })
  const call = (method: string, path: string) =>
    server.send(`${api}/account${path}`, { method, headers: { authorization: `Bearer ${access_token}` } })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the endpoint answers
  const json = async (path: string): Promise<any> => (await call("GET", path)).json()
  return { call, client, json }
}

describe("the account API", () => {
  test(
    "the account API names the user and the client of the access token",
    async (server) => {
      const { client, json } = await program(server)
      expect(await json("")).toMatchObject({ username: "ada", client_id: client.client_id, scope: "latchkey:account" })
    },
    withApi
  )

  test(
    "the account API lists the user's apps and withdraws one",
    async (server) => {
      const { call, client, json } = await program(server)
      const other = await server.register()
      const { access_token } = await server.tokens(other)
      expect((await json("/apps")).apps.map(({ client_id }: Server.Client) => client_id).sort()).toEqual(
        [client.client_id, other.client_id].sort()
      )
      expect((await call("DELETE", `/apps/${other.client_id}`)).status).toBe(204)
      expect((await server.call(access_token)).status).toBe(401)
      expect((await json("/apps")).apps).toMatchObject([{ client_id: client.client_id, resources: [api] }])
    },
    withApi
  )

  test(
    "the account API cannot read or end consents and sessions of other users",
    async (server) => {
      await server.addAccount("grace")
      const browser = server.browser()
      const client = await server.register()
      const { url, verifier } = await server.request(client)
      const consent = await server.logIn(browser, await browser.open(url), "grace")
      const { sentTo } = await browser.submit(consent, { button: "allow" })
      const code = sentTo?.searchParams.get("code") ?? ""
      const { access_token } = await Server.tokensOf(server.redeem(client, { code, verifier }))

      const { call, json } = await program(server)
      expect(await outcome(call("DELETE", `/apps/${client.client_id}`))).toBe("404 not_found")
      expect((await json("/apps")).apps).toHaveLength(1)
      const { sessionId } = (await server.grant(code)).terms
      expect((await json("/sessions")).sessions.map(({ id }: { id: string }) => id)).not.toContain(sessionId)
      expect(await outcome(call("DELETE", `/sessions/${sessionId}`))).toBe("404 not_found")
      expect((await server.call(access_token)).status).toBe(200)
    },
    withApi
  )

  test(
    "the account API lists the user's sessions and ends one",
    async (server) => {
      const { call, json } = await program(server)
      const [{ id }] = (await json("/sessions")).sessions
      expect((await call("DELETE", `/sessions/${id}`)).status).toBe(204)
      expect((await json("/sessions")).sessions).toEqual([])
      expect(await outcome(call("DELETE", `/sessions/${id}`))).toBe("404 not_found")
    },
    withApi
  )

  test(
    "the account API shows the browser and the network of each session, and omits unknown ones",
    async (server) => {
      const { json } = await program(server)
      const browser = server.from("2001:db8::7").browser()
      browser.userAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"
      await server.advance("1 second")
      await server.logIn(browser, await browser.open(`${issuer}/account`))
      const [latest, first] = (await json("/sessions")).sessions
      expect(latest).toMatchObject({ browser: "Firefox on Windows", network: "2001:db8::/64" })
      expect(Object.keys(first).sort()).toEqual(["authenticated_at", "expires_at", "id"])
    },
    withApi
  )

  test(
    "the account API shows the redirect URIs, the consent time and the last use of each app",
    async (server) => {
      const { json } = await program(server)
      const clients = await Promise.all(
        ["https://a.example/cb", "http://localhost:1234/cb"].map((uri) => server.register({ redirect_uris: [uri] }))
      )
      await server.advance("5 minutes")
      for (const client of clients) {
        const { browser, page } = await server.toConsent(client, { redirect_uri: client.redirect_uris as string[] })
        await browser.submit(page, { button: "allow" })
      }
      const { apps } = await json("/apps")
      const [a, b, own] = ["a.example", "localhost", "client.example"].map((host) =>
        apps.find(({ redirect_uris: [uri] }: { redirect_uris: [string] }) => new URL(uri).hostname === host)
      )
      expect(a).toMatchObject({ redirect_uris: ["https://a.example/cb"], allowed_since: "2026-06-01T00:05:00.000Z" })
      expect(b).toMatchObject({ redirect_uris: ["http://localhost/cb"] })
      expect([a, b].map((app) => "last_used_at" in app)).toEqual([false, false])
      expect(own).toMatchObject({
        allowed_since: "2026-06-01T00:00:00.000Z",
        last_used_at: "2026-06-01T00:00:00.000Z"
      })
    },
    withApi
  )

  test(
    "the account API refuses a token for another resource and a client's own token",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      const call = (token: string) =>
        outcome(server.send(`${api}/account`, { headers: { authorization: `Bearer ${token}` } }))
      expect(await call(access_token)).toBe("401 invalid_token")
      const client = await server.addClient({ scope: "latchkey:admin latchkey:account" })
      const own = await Server.tokensOf(server.token(client, { grant_type: "client_credentials", resource: api }))
      expect(await call(own.access_token)).toBe("403 insufficient_scope")
    },
    withApi
  )

  test(
    "scripts of any origin may call the account API, because it reads no cookie",
    async (server) => {
      const preflight = await server.send(`${api}/account/apps/x`, { method: "OPTIONS" })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get("access-control-allow-methods")).toBe("DELETE, OPTIONS")
      expect((await server.send(`${api}/account`)).headers.get("access-control-allow-origin")).toBe("*")
    },
    withApi
  )
})

describe("the document", () => {
  test(
    "the OpenAPI document names the token of every operation and every schema of a response",
    async (server) => {
      // biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document
      const spec: any = await (await server.send(`${api}/openapi.json`)).json()
      expect(spec.openapi).toBe("3.1.0")
      // biome-ignore lint/suspicious/noExplicitAny: an operation
      const operations: Array<any> = Object.values(spec.paths).flatMap((path) => Object.values(path as object))
      expect(operations).toHaveLength(36)
      for (const { operationId, responses, security } of operations) {
        expect(security, operationId).toHaveLength(1)
        expect(spec.components.securitySchemes, operationId).toHaveProperty(Object.keys(security[0])[0] as string)
        // The platform inlines a schema that has a status of its own.
        const bodies = Object.entries(responses as object)
          .flatMap(([status, body]) => (status === "201" ? [] : [body]))
          .flatMap((body) => Object.values(body?.content ?? {}))
        const schemas = (
          bodies as ReadonlyArray<{ readonly schema: Named & { readonly anyOf?: ReadonlyArray<Named> } }>
        ).flatMap(({ schema }) => schema.anyOf ?? [schema])
        expect(
          schemas.filter(({ $ref, allOf }) => ($ref ?? allOf?.[0]?.$ref) === undefined),
          operationId
        ).toEqual([])
      }
      for (const [, name] of JSON.stringify(spec).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        expect(spec.components.schemas).toHaveProperty([(name as string).replaceAll("~1", "/")])
      }
      expect(JSON.stringify(spec)).not.toContain("HttpApiDecodeError")
    },
    withApi
  )
})
