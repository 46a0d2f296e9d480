/** Client authentication at the endpoints that need it (RFC 6749 §2.3, ADR 30). */
import { describe, expect } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Logger from "effect/Logger"
import { basic, type Client, outcome, type Parameters, redirectUri, type TestServer, test } from "../support/Server.js"

const methods = ["client_secret_basic", "client_secret_post"]

const secretOf = (client: Client) => String(client.client_secret)

/** The parameters that redeem a new code of the client, without its id. */
const redemption = async (server: TestServer, client: Client): Promise<Parameters> => {
  const { code, verifier } = await server.code(client)
  return { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri }
}

/** The same client, as if it had registered another method. */
const by = (client: Client, token_endpoint_auth_method: string): Client => ({ ...client, token_endpoint_auth_method })

describe("a confidential client", () => {
  test("a confidential client may send its secret in the header or in the body", async (server) => {
    for (const registered of methods) {
      const client = await server.register({ token_endpoint_auth_method: registered })
      for (const used of methods) {
        const sender = by(client, used)
        const answer = await server.token(sender, await redemption(server, client))
        expect(answer.status, `${registered} ${used}`).toBe(200)
        const { access_token, refresh_token } = (await answer.json()) as Record<string, string>
        expect(await outcome(server.refresh(sender, refresh_token ?? ""))).toBe("200")
        expect(await outcome(server.ask("/revoke", sender, { token: access_token }))).toBe("200")
      }
    }
  })

  test("a confidential client without its right secret is refused by every method (RFC 6749 §3.2.1)", async (server) => {
    for (const registered of methods) {
      const client = await server.register({ token_endpoint_auth_method: registered })
      const refresh = { grant_type: "refresh_token", refresh_token: "x" }
      const { client_id } = client
      const attempts: ReadonlyArray<readonly [Parameters, Readonly<Record<string, string>>]> = [
        [{}, basic(client_id, "wrong")],
        [{}, basic(client_id, "")],
        [{ client_id }, basic(client_id, "")],
        [{ client_id, client_secret: "wrong" }, {}],
        [{ client_id, client_secret: "" }, {}],
        [{ client_id }, {}],
        [{ client_id }, { authorization: "" }],
        [{ client_id }, { authorization: "Basic" }]
      ]
      for (const [parameters, headers] of attempts) {
        const answer = server.post("/token", { ...refresh, ...parameters }, headers)
        expect(await outcome(answer), JSON.stringify([parameters, headers])).toBe("401 invalid_client")
      }
    }
  })

  test("a request that has the secret twice is refused (RFC 6749 §2.3)", async (server) => {
    for (const registered of methods) {
      const client = await server.register({ token_endpoint_auth_method: registered })
      const { client_id } = client
      const body = { grant_type: "refresh_token", refresh_token: "x", client_id, client_secret: secretOf(client) }
      for (const header of [basic(client_id, secretOf(client)), basic(client_id, "")]) {
        expect(await outcome(server.post("/token", body, header))).toBe("400 invalid_request")
      }
    }
  })
})

const lines: Array<{ readonly level: string; readonly message: string; readonly values: unknown }> = []

const keeping = Logger.make<unknown, void>(({ annotations, logLevel, message }) => {
  lines.push({
    level: logLevel.label,
    message: String(message),
    values: Object.fromEntries(HashMap.toEntries(annotations))
  })
})

test(
  "another method than the registered one is logged once per request, without the secret",
  async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const parameters = await redemption(server, client)
    lines.length = 0
    expect(await outcome(server.token(by(client, "client_secret_post"), parameters))).toBe("200")
    const found = lines.filter(({ message }) => message === "client authenticated by another method than it registered")
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({
      level: "INFO",
      values: { clientId: client.client_id, registered: "client_secret_basic", used: "client_secret_post" }
    })
    expect(JSON.stringify(lines)).not.toContain(secretOf(client))

    lines.length = 0
    expect(await outcome(server.token(client, await redemption(server, client)))).toBe("200")
    expect(lines.filter(({ message }) => message.includes("another method"))).toEqual([])
  },
  { logger: keeping }
)

describe("a public client", () => {
  test("a public client sends its id in the body, or in a header with an empty secret (RFC 6749 §2.3.1)", async (server) => {
    const client = await server.register()
    const { client_id } = client
    const encoded = Array.from(client_id, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join("")
    const ways: ReadonlyArray<readonly [Parameters, Readonly<Record<string, string>>]> = [
      [{}, basic(client_id, "")],
      [{}, basic(encoded, "")],
      [{ client_id }, basic(client_id, "")],
      [{ client_id, client_secret: "" }, basic(client_id, "")],
      [{ client_id }, { authorization: "" }],
      [{ client_id }, { authorization: " " }],
      [{ client_id, client_secret: "" }, {}]
    ]
    for (const [parameters, headers] of ways) {
      const name = JSON.stringify([parameters, headers])
      const redeemed = await server.post("/token", { ...(await redemption(server, client)), ...parameters }, headers)
      expect(redeemed.status, name).toBe(200)
      const { refresh_token } = (await redeemed.json()) as Record<string, string>
      const refreshed = await server.post(
        "/token",
        { grant_type: "refresh_token", refresh_token, ...parameters },
        headers
      )
      expect(refreshed.status, name).toBe(200)
      const { access_token } = (await refreshed.json()) as Record<string, string>
      expect(await outcome(server.call(access_token ?? "")), name).toBe("200")
      expect(await outcome(server.post("/revoke", { token: access_token, ...parameters }, headers)), name).toBe("200")
      expect(await outcome(server.call(access_token ?? "")), name).toBe("401 invalid_token")
    }
  })

  test("a public client that sends a secret is refused, and so is an unknown client", async (server) => {
    const { client_id } = await server.register()
    const refresh = { grant_type: "refresh_token", refresh_token: "x" }
    for (const [parameters, headers] of [
      [{}, basic(client_id, "guess")],
      [{ client_id, client_secret: "guess" }, {}],
      [{}, basic("nobody", "")],
      [{}, basic("", "")]
    ] as const) {
      expect(await outcome(server.post("/token", { ...refresh, ...parameters }, headers))).toBe("401 invalid_client")
    }
    const other = await server.register()
    const twoNames = server.post("/token", { ...refresh, client_id: other.client_id }, basic(client_id, ""))
    expect(await outcome(twoNames)).toBe("400 invalid_request")
  })
})
