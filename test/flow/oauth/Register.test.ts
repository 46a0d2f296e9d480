/** Registration: any client may register itself, and its metadata gives it no rights. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ClientId } from "../../../src/domain/Client.js"
import { digest } from "../../../src/services/keys/Crypto.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { outcome, redirectUri, start, type TestServer, test } from "../support/Server.js"

const json = { "content-type": "application/json" }

const send = (
  server: TestServer,
  body: NonNullable<RequestInit["body"]>,
  headers: Readonly<Record<string, string>> = json
) => server.send("/register", { method: "POST", body, headers })

const register = (server: TestServer, metadata: unknown) => send(server, JSON.stringify(metadata))

const member = async (response: Promise<Response>, name: string) => {
  const body = (await (await response).json()) as Readonly<Record<string, unknown>>
  return body[name]
}

const good = { redirect_uris: [redirectUri] }

const expectOutcomes = async (
  server: TestServer,
  expected: string,
  requests: Iterable<Readonly<Record<string, unknown>>>
) => {
  for (const request of requests) {
    expect(await outcome(register(server, { ...good, ...request })), JSON.stringify(request)).toBe(expected)
  }
}

const each = (name: string, values: ReadonlyArray<unknown>) => values.map((value) => ({ [name]: value }))

describe("the answer", () => {
  // REG-02
  test("the response has all metadata, defaults included, and the secret (RFC 7591 §3.2.1)", async (server) => {
    const answer = await register(server, good)
    expect(answer.status).toBe(201)
    expect(answer.headers.get("content-type")).toBe("application/json")
    expect(answer.headers.get("cache-control")).toBe("no-store")
    expect(await answer.json()).toEqual({
      ...good,
      client_id: expect.stringMatching(/^[0-9a-z]{26}$/),
      client_id_issued_at: start / 1000,
      client_secret: expect.stringMatching(/^lk_cs_[A-Za-z0-9_-]{43}$/),
      client_secret_expires_at: 0,
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code"],
      response_types: ["code"],
      scope: "notes:read notes:write",
      registration_access_token: expect.stringMatching(/^lk_ra_[A-Za-z0-9_-]{43}$/),
      registration_client_uri: expect.stringMatching(/\/register\/[0-9a-z]{26}$/)
    })
  })

  test("the response to a public client has no secret", async (server) => {
    const answer = await register(server, { ...good, token_endpoint_auth_method: "none" })
    expect(Object.keys((await answer.json()) as object).filter((name) => name.startsWith("client_"))).toEqual([
      "client_id",
      "client_id_issued_at"
    ])
  })

  test("the response has the client's metadata, and the same metadata is stored (RFC 7591 §2)", async (server) => {
    const metadata = {
      redirect_uris: [redirectUri, "http://127.0.0.1:3000/callback", "com.example.app:/callback"],
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      client_name: "Notes für alle",
      client_uri: "https://client.example/",
      logo_uri: "https://client.example/logo.png",
      tos_uri: "https://client.example/tos",
      policy_uri: "https://client.example/policy",
      contacts: ["ada@client.example"],
      software_id: "4NRB1-0XZABZI9E6-5SM3R",
      software_version: "1.0",
      application_type: "native"
    }
    // A client does not choose its own maximum scope.
    const answer = await register(server, { ...metadata, scope: "notes:read" })
    const body = (await answer.json()) as Readonly<Record<string, string>>
    expect(body).toMatchObject({ ...metadata, scope: "notes:read notes:write" })
    const kept = await server.run(
      Effect.gen(function* () {
        const id = yield* Schema.decodeUnknown(ClientId)(body.client_id)
        return Option.getOrThrow(yield* (yield* ClientStore).find(id))
      })
    )
    expect(kept.metadata).toEqual(metadata)
    expect(kept.origin).toBe("Dynamic")
    expect(Option.getOrThrow(kept.secret).digest).toBe(digest(Redacted.make(body.client_secret ?? "")))
  })

  // REG-03
  test("each response has its own id and secret", async (server) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => register(server, good)))
    const clients = await Promise.all(answers.map((answer) => answer.json() as Promise<Record<string, string>>))
    expect(new Set(clients.map(({ client_id }) => client_id)).size).toBe(20)
    expect(new Set(clients.map(({ client_secret }) => client_secret)).size).toBe(20)
  })

  // CORS-02
  test("scripts of any origin may read the response, and send no cookie", async (server) => {
    const headers = { origin: "https://app.example" }
    const preflight = await server.send("/register", {
      method: "OPTIONS",
      headers: { ...headers, "access-control-request-method": "POST", "access-control-request-headers": "content-type" }
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get("access-control-allow-methods")).toContain("POST")
    expect(preflight.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("content-type")
    const answers = [
      await send(server, JSON.stringify(good), { ...json, ...headers }),
      await send(server, "x", headers),
      preflight
    ]
    for (const answer of answers) {
      expect(answer.headers.get("access-control-allow-origin")).toBe("*")
      expect(answer.headers.has("access-control-allow-credentials")).toBe(false)
    }
  })
})

describe("a malformed registration", () => {
  // REG-01
  test("a registration with another method is refused (RFC 7591 §3)", async (server) => {
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH"]) {
      const answer = await server.send("/register", { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.get("allow")).toBe("POST, OPTIONS")
    }
  })

  test("a registration with another media type is refused (RFC 7591 §3.1)", async (server) => {
    const body = JSON.stringify(good)
    const types = ["application/x-www-form-urlencoded", "text/plain", "text/json", "application/jsonx", ""]
    for (const type of [...types, "text/plain; application/json", "application/json, text/plain"]) {
      expect(await outcome(send(server, body, { "content-type": type })), type).toBe("400 invalid_request")
    }
    const encoded = { ...json, "content-encoding": "gzip" }
    expect(await outcome(send(server, body, encoded))).toBe("400 invalid_request")
  })

  test("a registration that is no JSON object is refused (RFC 8259 §2)", async (server) => {
    const text = JSON.stringify(good)
    const notJson = [
      "",
      " ",
      "{",
      `${text}}`,
      text.replace("]", "],"),
      "{'a':1}",
      "undefined",
      `${text}//`,
      "NaN",
      "{a:1}"
    ]
    const noObject = ["[]", '"x"', "1", "true", "null", `[${text}]`, "1e400", "-0"]
    const deep = ["[".repeat(30_000), `{"a":${"[".repeat(15_000)}${"]".repeat(15_000)},"redirect_uris":1}`]
    for (const body of [...notJson, ...noObject, deep[0]!]) {
      expect(await outcome(send(server, body)), body.slice(0, 40)).toBe("400 invalid_client_metadata")
    }
    expect(await outcome(send(server, deep[1]!))).toBe("400 invalid_redirect_uri")
    expect(await outcome(send(server, new Uint8Array([0x7b, 0xff, 0x7d])))).toBe("400 invalid_request")
  })

  test("an object with a repeated member is refused, in any spelling", async (server) => {
    const members = [
      `"redirect_uris":["${redirectUri}"],"redirect_uris":["https://evil.example/"]`,
      `"redirect_uris":["${redirectUri}"],"redirect\\u005furis":["https://evil.example/"]`,
      `"redirect_uris":["${redirectUri}"],"unknown":{"a":1,"a":1}`,
      `"redirect_uris":["${redirectUri}"],"unknown":[[{"a":[],"b":{},"a":{}}]]`
    ]
    for (const body of members) {
      expect(await outcome(send(server, `{${body}}`)), body).toBe("400 invalid_client_metadata")
    }
    const once = `{"redirect_uris":["${redirectUri}"],"a":{"b":"a"},"b":["a","a",{"a":"\\"a\\":{,"}],"c":{"a":1}}`
    expect(await outcome(send(server, once))).toBe("201")
  })

  // REG-05
  test("a registration of more than 64 KiB is refused", async (server) => {
    const padding = (length: number) => JSON.stringify({ ...good, unknown: "x".repeat(length) })
    expect(await outcome(send(server, padding(60_000)))).toBe("201")
    expect(await outcome(send(server, padding(64 * 1024)))).toBe("413 invalid_request")
  })
})

describe("redirect URIs", () => {
  // REG-07
  test("the code grant needs redirect URIs, as a list of strings (RFC 7591 §2)", async (server) => {
    expect(await outcome(register(server, {}))).toBe("400 invalid_redirect_uri")
    const eleven = Array.from({ length: 11 }, (_, index) => `${redirectUri}/${index}`)
    const lists = [[], null, redirectUri, {}, [1], [null], [[redirectUri]], [""], eleven]
    await expectOutcomes(server, "400 invalid_redirect_uri", each("redirect_uris", lists))
    await expectOutcomes(server, "201", [{ redirect_uris: eleven.slice(1) }])
  })

  test("a redirect URI may be https, http on loopback, or have a scheme with a dot (RFC 8252 §7)", async (server) => {
    const uris = [
      "https://client.example",
      "https://client.example:8443/cb?env=1",
      "http://127.0.0.1/cb",
      "http://[::1]:3000/cb",
      "http://localhost:3000/cb",
      "com.example.app:/cb",
      "com.example.app://host/cb",
      `https://client.example/${"x".repeat(2_000)}`
    ]
    for (const uri of uris) {
      const kept = await member(register(server, { ...good, redirect_uris: [uri] }), "redirect_uris")
      expect(kept).toEqual([uri])
    }
  })

  // REG-08, REG-09, REG-10
  test("any other redirect URI is refused (RFC 6749 §3.1.2, RFC 9700 §2.6)", async (server) => {
    const schemes = "javascript data vbscript file blob about ftp ws wss intent mailto view-source filesystem chrome"
    const uris = [
      ...schemes.split(" ").map((scheme) => `${scheme}:alert(1)`),
      ...schemes.split(" ").map((scheme) => `${scheme}://client.example/`),
      "JaVaScRiPt:alert(1)",
      " javascript:alert(1)",
      "java\nscript:alert(1)",
      "\u0001javascript:alert(1)",
      "http://client.example/cb",
      "http://localhost.evil.example/cb",
      "http://127.0.0.2/cb",
      "http://127.1/cb",
      "http://127.0.0.1./cb",
      "https://192.0.2.1./cb",
      "https://client.example:/cb",
      "http://2130706433/cb",
      "http://0.0.0.0/cb",
      "http://[::]/cb",
      "HTTPS://client.example/cb",
      "https://CLIENT.example/cb",
      "https://client.example./../cb#x",
      "https://client.example/cb#",
      "https://client.example/cb#x",
      "//client.example/cb",
      "/cb",
      "cb",
      "https:",
      "https://",
      "https:client.example/cb",
      "https:/client.example/cb",
      "https:///client.example/cb",
      "https://user@client.example/cb",
      "https://user:password@client.example/cb",
      "https://client.example:@evil.example/cb",
      "https://*.client.example/cb",
      "https://client.example/*",
      "https://client.example\\@evil.example/cb",
      "https://client.example/\\cb",
      "https://client.example/c\tb",
      "https://client.example/c b",
      "https://client.example/cb ",
      "https://client.example/cb%00",
      "https://client.example/cb%0d%0aX-Evil:1",
      "https://client.example/cb%zz",
      "https://client.example/cb%",
      "https://clіent.example/cb",
      "https://münchen.example/cb",
      "https://[fe80::1%25eth0]/cb",
      "https://client.example:99999/cb",
      "https://client.example:-1/cb",
      'https://client.example/"><script>',
      "https://client.example/{cb}",
      `https://client.example/${"x".repeat(2_048)}`,
      "myapp:/cb",
      "myapp://cb",
      "x:y"
    ]
    await expectOutcomes(
      server,
      "400 invalid_redirect_uri",
      each(
        "redirect_uris",
        uris.map((uri) => [uri])
      )
    )
  })

  // AUTHZ-16
  test("a redirect URI with a parameter of the authorization response is refused", async (server) => {
    const names = ["code", "state", "iss", "error", "error_description", "error_uri", "%63ode", "a=1&iss"]
    await expectOutcomes(
      server,
      "400 invalid_redirect_uri",
      each(
        "redirect_uris",
        names.map((name) => [`${redirectUri}?${name}=evil`])
      )
    )
  })

  test(
    "a redirect URI may have a scheme without a dot that the operator names",
    async (server) => {
      await expectOutcomes(server, "201", [{ redirect_uris: ["editor://publisher.extension/callback"] }])
      await expectOutcomes(server, "400 invalid_redirect_uri", [
        { redirect_uris: ["other:/cb"] },
        { redirect_uris: ["javascript:x"] }
      ])
    },
    { settings: { privateUseSchemes: ["editor", "javascript"] } }
  )

  // REG-17
  test("redirect URIs are accepted for any application type, which MCP clients leave out", async (server) => {
    for (const application_type of ["native", "web", undefined]) {
      await expectOutcomes(server, "201", [{ application_type, redirect_uris: ["http://localhost:3000/cb"] }])
    }
  })
})

describe("grant types and response types", () => {
  test("unknown grant types and response types are left out of the response (RFC 7591 §3.2.1)", async (server) => {
    const device = "urn:ietf:params:oauth:grant-type:device_code"
    const grant_types = [
      "authorization_code",
      "client_credentials",
      "refresh_token",
      device,
      "__proto__",
      "authorization_code"
    ]
    const kept = await member(register(server, { ...good, grant_types }), "grant_types")
    expect(kept).toEqual(["authorization_code", "refresh_token"])
  })

  // REG-11
  test("obsolete or inconsistent grant types and response types are refused (RFC 7591 §2.1, OAuth 2.1 §10.1)", async (server) => {
    await expectOutcomes(server, "400 invalid_client_metadata", [
      ...each("grant_types", [["implicit"], ["implicit", "password"], ["client_credentials"], [1]]),
      ...each("grant_types", [["AUTHORIZATION_CODE"], "authorization_code"]),
      ...each("response_types", [[], ["token"], ["code token"], ["id_token"], "code", [1]]),
      { grant_types: ["refresh_token"], response_types: ["code"] }
    ])
  })
})

describe("other members", () => {
  // CAUTH-20
  test("the authentication method must be a known one (RFC 7591 §2)", async (server) => {
    for (const method of ["none", "client_secret_basic", "client_secret_post"]) {
      const answer = register(server, { ...good, token_endpoint_auth_method: method })
      expect(await member(answer, "token_endpoint_auth_method")).toBe(method)
    }
    const others = ["private_key_jwt", "client_secret_jwt", "tls_client_auth", "NONE", 1, ["none"], "__proto__"]
    await expectOutcomes(server, "400 invalid_client_metadata", each("token_endpoint_auth_method", others))
  })

  test("keys are given in one way only (RFC 7591 §2)", async (server) => {
    const jwks = { keys: [] }
    await expectOutcomes(server, "400 invalid_client_metadata", [{ jwks, jwks_uri: "https://client.example/jwks" }])
    await expectOutcomes(server, "201", [{ jwks }, { jwks_uri: "https://client.example/jwks" }])
  })

  // REG-05
  test("a name has at most 200 characters", async (server) => {
    const name = "x".repeat(200)
    expect(await member(register(server, { ...good, client_name: name }), "client_name")).toBe(name)
    const answer = await register(server, { ...good, client_name: `${name}x` })
    expect(await answer.json()).not.toHaveProperty("client_name")
  })

  // INJ-02
  test("metadata with a NUL or half a surrogate pair is refused, because not every store can keep it", async (server) => {
    for (const text of ["a\0b", "\ud800", "a\udc00b"]) {
      await expectOutcomes(server, "400 invalid_client_metadata", [{ client_name: text }])
      const uri = `https://client.example/${text}`
      const answer = await register(server, { ...good, contacts: [text], software_id: text, client_uri: uri })
      const kept = Object.keys((await answer.json()) as object)
      expect(kept.filter((name) => ["contacts", "software_id", "client_uri"].includes(name))).toEqual([])
    }
    await expectOutcomes(server, "201", [{ client_name: "🔑" }])
  })

  // REG-12, REG-15
  test("unknown members, and those that a client cannot choose, are neither stored nor returned (RFC 7591 §2)", async (server) => {
    const claims = {
      client_id: "admin",
      client_secret: "chosen",
      client_id_issued_at: 1,
      client_secret_expires_at: 4_102_444_800,
      registration_access_token: "x",
      registration_client_uri: "https://evil.example/",
      scope: "admin notes:delete",
      software_statement: "eyJhbGciOiJub25lIn0.e30.",
      is_admin: true,
      trusted: true,
      skip_consent: true,
      origin: "Operator",
      epoch: 9,
      id: "x",
      "client_name#ja": "x"
    }
    const client = (await (await register(server, { ...good, ...claims })).json()) as Record<string, unknown>
    expect(client.scope).toBe("notes:read notes:write")
    expect(client.client_secret_expires_at).toBe(0)
    for (const [name, value] of Object.entries(claims)) expect(client[name], name).not.toBe(value)
    const known = ["client_id", "client_id_issued_at", "client_secret", "client_secret_expires_at", "grant_types"]
    const others = [
      "redirect_uris",
      "registration_access_token",
      "registration_client_uri",
      "response_types",
      "scope",
      "token_endpoint_auth_method"
    ]
    expect(Object.keys(client).sort()).toEqual([...known, ...others].sort())
  })

  // REG-13
  test("members with the names of prototype members change nothing", async (server) => {
    for (const name of ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then"]) {
      const inner = `{"polluted":true,"prototype":{"polluted":true},"client_id":"x","redirect_uris":["${redirectUri}"]}`
      const body = `{"${name}":${inner},"redirect_uris":["${redirectUri}"]}`
      expect(await outcome(send(server, body)), name).toBe("201")
      expect(await outcome(send(server, `{"${name}":${inner}}`)), name).toBe("400 invalid_redirect_uri")
    }
    expect({}).not.toHaveProperty("polluted")
  })
})
