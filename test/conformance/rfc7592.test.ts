/** RFC 7592: a client reads, updates and deletes its own registration. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ClientId } from "../../src/domain/Client.js"
import { Clients } from "../../src/services/clients/Clients.js"
import { outcome, redirectUri, type TestServer, test } from "../flow/support/Server.js"
import { apart, challengeOf, confidential, type Json, json, register } from "./support/Conformance.js"

apart([
  {
    section: "§2.2",
    requirement: "the server may replace values that the client requests",
    how: "elsewhere",
    why: "as in a registration: `rfc7591.test.ts`, §3.2.1"
  },
  {
    section: "§3",
    requirement: "the response contains the client secret",
    how: "otherwise",
    why: "the server stores only a digest of the secret, so it returns a secret only when it is new (`docs/adr/0057-registration-policy-and-management.md`)"
  },
  {
    section: "§5",
    requirement: "the registration access token does not expire while the client is registered",
    how: "elsewhere",
    why: "it is stored with the client and has no expiry"
  }
])

const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: "none", client_name: "Notes" }

interface Registered extends Json {
  readonly client_id: string
  readonly registration_access_token: string
  readonly registration_client_uri: string
}

const registered = async (server: TestServer, changes: object = {}) =>
  (await json(register(server, { ...metadata, ...changes }), 201)) as Registered

/** Sends a request to a client's configuration endpoint. */
const configure = (
  server: TestServer,
  { registration_client_uri: uri, registration_access_token: token }: Registered,
  method: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {}
) =>
  server.send(uri, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
  })

/** The members that a client may send back in an update. */
const ownMembers = ({
  client_id_issued_at: _,
  client_secret_expires_at: __,
  registration_access_token: ___,
  registration_client_uri: ____,
  ...own
}: Registered) => own

const disable = (server: TestServer, { client_id }: Registered) =>
  server.run(Effect.flatMap(Clients, (clients) => clients.disable(ClientId.make(client_id))))

describe("RFC 7592", () => {
  test("§1.2 the registration access token is a bearer token, and only the header may have it", async (server) => {
    const client = await registered(server)
    expect((await configure(server, client, "GET", undefined, { authorization: "" })).status).toBe(401)
    const inQuery = `${client.registration_client_uri}?access_token=${client.registration_access_token}`
    expect((await server.send(inQuery)).status).toBe(401)
    expect((await configure(server, client, "GET")).status).toBe(200)
  })

  test("§2 the configuration endpoint has no POST, and names its methods", async (server) => {
    const client = await registered(server)
    for (const method of ["POST", "PATCH"]) {
      const answer = await configure(server, client, method)
      expect(answer.status, method).toBe(405)
      expect(answer.headers.get("allow")).toBe("GET, HEAD, PUT, DELETE, OPTIONS")
    }
  })

  test("§2 a script of any origin may call the configuration endpoint", async (server) => {
    const client = await registered(server)
    const preflight = await configure(server, client, "OPTIONS")
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get("access-control-allow-methods")).toContain("PUT, DELETE")
    for (const method of ["GET", "DELETE"]) {
      expect((await configure(server, client, method)).headers.get("access-control-allow-origin")).toBe("*")
    }
  })

  test("§2.1 a read request returns the present registration, not cached", async (server) => {
    const client = await registered(server)
    const answer = await configure(server, client, "GET")
    expect(answer.headers.get("cache-control")).toBe("no-store")
    expect(answer.headers.get("pragma")).toBe("no-cache")
    expect(await json(answer)).toEqual(client)
  })

  test("§2.1 a wrong token, an unknown client, a deleted client and an operator's client get the same 401", async (server) => {
    const client = await registered(server)
    const other = await registered(server)
    const deleted = await registered(server)
    expect((await configure(server, deleted, "DELETE")).status).toBe(204)
    const { client_id } = await server.addClient()
    const uri = (id: string) => ({ registration_client_uri: `${server.issuer}/register/${id}` })
    const wrong = [
      { ...client, registration_access_token: other.registration_access_token },
      { ...client, registration_access_token: "lk_ra_" },
      { ...client, ...uri("unknown") },
      { ...client, ...uri(`${client.client_id}/`) },
      { ...client, ...uri(client_id) },
      deleted
    ]
    const bodies = new Set<string>()
    for (const credentials of wrong) {
      for (const [method, body] of [
        ["GET"],
        ["PUT", { ...metadata, client_id: client.client_id }],
        ["DELETE"]
      ] as const) {
        const answer = await configure(server, credentials, method, body)
        expect(answer.status).toBe(401)
        expect(answer.headers.get("cache-control")).toBe("no-store")
        expect(challengeOf(answer)).toEqual({
          realm: server.issuer,
          error: "invalid_token",
          error_description: expect.any(String)
        })
        bodies.add(await answer.text())
      }
    }
    expect(bodies.size).toBe(1)
    expect((await configure(server, client, "GET")).status).toBe(200)
  })

  test("§2.1 a request without a token gets a challenge without an error (RFC 6750 §3.1)", async (server) => {
    const client = await registered(server)
    const answer = await server.send(client.registration_client_uri)
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).toEqual({ realm: server.issuer })
  })

  test("§2.1 a client that the operator disabled may not manage its registration", async (server) => {
    const client = await registered(server)
    await disable(server, client)
    for (const [method, body] of [["GET"], ["PUT", ownMembers(client)], ["DELETE"]] as const) {
      expect(await outcome(configure(server, client, method, body))).toBe("403 access_denied")
    }
  })

  test("§2.2 an update replaces all metadata, and a missing member gets its default", async (server) => {
    const client = await registered(server, { client_uri: "https://client.example/", contacts: ["ada@client.example"] })
    const { client_id } = client
    const uris = ["https://client.example/other"]
    const answer = await configure(server, client, "PUT", {
      client_id,
      redirect_uris: uris,
      token_endpoint_auth_method: "none",
      client_name: "Notes 2"
    })
    expect(answer.headers.get("cache-control")).toBe("no-store")
    const updated = await json(answer)
    const { client_uri: _, contacts: __, ...rest } = client
    expect(updated).toEqual({ ...rest, redirect_uris: uris, client_name: "Notes 2" })
    expect(await json(configure(server, client, "GET"))).toEqual(updated)
  })

  test("§2.2 a client may send back all that it got, but for the members of the server", async (server) => {
    const client = await registered(server, confidential)
    const answer = await json(configure(server, client, "PUT", { ...ownMembers(client), client_name: "Notes 2" }))
    const { client_secret: _, ...rest } = client
    expect(answer).toEqual({ ...rest, client_name: "Notes 2" })
  })

  test("§2.2 a null or empty member counts as missing", async (server) => {
    const client = await registered(server, { client_uri: "https://client.example/" })
    const answer = await json(
      configure(server, client, "PUT", { ...ownMembers(client), client_uri: null, client_name: "", grant_types: [] })
    )
    expect(answer).not.toHaveProperty("client_uri")
    expect(answer).not.toHaveProperty("client_name")
    expect(answer.grant_types).toEqual(["authorization_code"])
  })

  test("§2.2 the client identifier must be sent, and cannot be changed", async (server) => {
    const client = await registered(server)
    const other = await registered(server)
    const { client_id: _, ...anonymous } = ownMembers(client)
    for (const body of [anonymous, { ...anonymous, client_id: other.client_id }, { ...anonymous, client_id: null }]) {
      expect(await outcome(configure(server, client, "PUT", body))).toBe("400 invalid_client_metadata")
    }
  })

  test("§2.2 the client secret may be sent, and cannot be chosen", async (server) => {
    const client = await registered(server, confidential)
    const open = await registered(server)
    const own = ownMembers(client)
    for (const [who, body] of [
      [client, { ...own, client_secret: "chosen" }],
      [client, { ...own, client_secret: 1 }],
      [open, { ...ownMembers(open), client_secret: String(client.client_secret) }]
    ] as const) {
      expect(await outcome(configure(server, who, "PUT", body))).toBe("400 invalid_client_metadata")
    }
    expect(await outcome(configure(server, client, "PUT", own))).toBe("200")
  })

  test("§2.2 members that the server chooses must not be sent", async (server) => {
    const client = await registered(server, confidential)
    for (const name of [
      "registration_access_token",
      "registration_client_uri",
      "client_secret_expires_at",
      "client_id_issued_at"
    ]) {
      const body = { ...ownMembers(client), [name]: client[name] }
      expect(await outcome(configure(server, client, "PUT", body)), name).toBe("400 invalid_client_metadata")
    }
  })

  test("§2.2 invalid metadata gets the error of a registration, and changes nothing", async (server) => {
    const client = await registered(server)
    const own = ownMembers(client)
    for (const [body, error] of [
      [{ ...own, redirect_uris: ["http://client.example/cb"] }, "invalid_redirect_uri"],
      [{ ...own, redirect_uris: [] }, "invalid_redirect_uri"],
      [{ ...own, token_endpoint_auth_method: "tls_client_auth" }, "invalid_client_metadata"],
      [[], "invalid_client_metadata"],
      ["{", "invalid_client_metadata"]
    ] as const) {
      expect(await outcome(configure(server, client, "PUT", body))).toBe(`400 ${error}`)
    }
    expect(await json(configure(server, client, "GET"))).toEqual(client)
  })

  test("§2.2 a client that becomes confidential gets a secret, and one that becomes public loses it", async (server) => {
    const client = await registered(server)
    const made = await json(configure(server, client, "PUT", { ...ownMembers(client), ...confidential }))
    expect(made).toMatchObject({ client_secret: expect.stringMatching(/^lk_cs_/), client_secret_expires_at: 0 })
    expect((await server.tokens({ ...made, client_id: client.client_id })).access_token).toMatch(/^lk_at_/)
    const lost = await json(configure(server, client, "PUT", ownMembers(client)))
    expect(lost).not.toHaveProperty("client_secret")
    expect(lost).not.toHaveProperty("client_secret_expires_at")
  })

  test("§2.3 a deletion ends everything that was issued to the client, at once", async (server) => {
    const client = await registered(server, { grant_types: ["authorization_code", "refresh_token"] })
    const public_ = { ...client, token_endpoint_auth_method: "none" }
    const tokens = await server.tokens(public_)
    const code = await server.code(public_)
    expect((await server.call(tokens.access_token)).status).toBe(200)
    const answer = await configure(server, client, "DELETE")
    expect(answer.status).toBe(204)
    expect(answer.headers.get("cache-control")).toBe("no-store")
    expect(await answer.text()).toBe("")
    expect((await server.call(tokens.access_token)).status).toBe(401)
    expect(await outcome(server.refresh(public_, tokens.refresh_token))).toBe("401 invalid_client")
    expect(await outcome(server.redeem(public_, code))).toBe("401 invalid_client")
    expect((await configure(server, client, "DELETE")).status).toBe(401)
  })

  test("§3 every registration returns the token and the location of its configuration endpoint", async (server) => {
    const client = await registered(server)
    expect(client.registration_access_token).toMatch(/^lk_ra_[A-Za-z0-9_-]{43}$/)
    expect(client.registration_client_uri).toBe(`${server.issuer}/register/${client.client_id}`)
  })

  test("§3 an update and a read keep the registration access token", async (server) => {
    const client = await registered(server)
    for (const answer of [
      await json(configure(server, client, "PUT", { ...ownMembers(client), client_name: "Notes 2" })),
      await json(configure(server, client, "GET"))
    ]) {
      expect(answer.registration_access_token).toBe(client.registration_access_token)
      expect(answer.registration_client_uri).toBe(client.registration_client_uri)
    }
  })
})
