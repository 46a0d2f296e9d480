/** RFC 8252: native apps. */
import { describe, expect } from "@effect/vitest"
import { issuer, outcome, redirectUri, test } from "../flow/support/Server.js"
import { acquainted, allow, apart, json, register, sentBack } from "./support/Conformance.js"

apart([
  {
    section: "§5",
    requirement: "apps use an external user agent, and embedded ones are not used",
    how: "not applicable",
    why: "a rule for apps: the pages do not ask what shows them"
  },
  {
    section: "§7.2",
    requirement: "claimed https URIs are preferred where the platform has them",
    how: "not applicable",
    why: "a rule for apps; to the server they are https redirect URIs like any other"
  },
  {
    section: "§8.3",
    requirement: "loopback listeners are opened for the request alone, and on the loopback interface",
    how: "not applicable",
    why: "a rule for apps"
  },
  {
    section: "§8.3",
    requirement: "`localhost` is NOT RECOMMENDED",
    how: "otherwise",
    why: "it is accepted with any port, like the loopback addresses: many clients use no other name"
  },
  {
    section: "§8.5",
    requirement: "secrets that are shipped with an app do not authenticate it",
    how: "elsewhere",
    why: "`test/flow/browser/Authorize.test.ts`: apps that cannot authenticate need consent each time"
  }
])

const native = (uri: string) => ({ redirect_uris: [uri], token_endpoint_auth_method: "none" })

describe("RFC 8252", () => {
  test("§6 the app gets the response by a redirect to its own URI", async (server) => {
    const uri = "com.example.app:/callback"
    const { answer } = await allow(server, await server.register(native(uri)), { redirect_uri: uri })
    expect(answer.status).toBe(303)
    expect(answer.sentTo?.href.startsWith(`${uri}?code=`)).toBe(true)
  })

  test("§7.1 a private-use scheme is accepted [AUTHZ-23]", async (server) => {
    for (const uri of ["com.example.app:/callback", "com.example.app:callback"]) {
      expect((await register(server, native(uri))).status, uri).toBe(201)
    }
  })

  test("§7.1 a private-use scheme needs a period [REG-10]", async (server) => {
    for (const uri of ["myapp:/callback", "editor://callback"]) {
      expect(await outcome(register(server, native(uri))), uri).toBe("400 invalid_redirect_uri")
    }
  })

  test(
    "§7.1 a scheme without a period is accepted if the operator names it [REG-10]",
    async (server) => {
      expect((await register(server, native("editor://callback"))).status).toBe(201)
      expect((await register(server, native("myapp:/callback"))).status).toBe(400)
    },
    { settings: { privateUseSchemes: ["editor"] } }
  )

  test("§7.3 loopback redirect URIs are http, on 127.0.0.1 and [::1] [AUTHZ-20]", async (server) => {
    for (const uri of ["http://127.0.0.1/cb", "http://[::1]/cb", "http://127.0.0.1:3000/cb"]) {
      expect((await register(server, native(uri))).status, uri).toBe(201)
    }
    expect((await register(server, native("http://192.168.0.1/cb"))).status).toBe(400)
  })

  test("§7.3 a loopback redirect URI may have any port in the request [AUTHZ-20]", async (server) => {
    for (const host of ["127.0.0.1", "[::1]"]) {
      const client = await server.register(native(`http://${host}/cb`))
      for (const port of [":1024", ":65535", ""]) {
        const uri = `http://${host}${port}/cb`
        const { answer } = await allow(server, client, { redirect_uri: uri })
        expect(answer.sentTo?.href.startsWith(`${uri}?code=`), uri).toBe(true)
      }
    }
  })

  test("§7.3 only the port of a loopback redirect URI may differ [AUTHZ-21]", async (server) => {
    const client = await server.register(native("http://127.0.0.1:3000/cb"))
    const others = [
      "http://127.0.0.1:3000/cb/",
      "http://127.0.0.1:3000/other",
      "http://127.0.0.2:3000/cb",
      "https://127.0.0.1:3000/cb",
      "http://127.0.0.1:3000/cb?x=1",
      "http://127.0.0.1:99999/cb",
      "http://127.0.0.1.evil.example:3000/cb",
      "http://ada@127.0.0.1:3000/cb"
    ]
    for (const redirect_uri of others) {
      const page = await server.browser().open((await server.request(client, { redirect_uri })).url)
      expect([page.status, page.sentTo], redirect_uri).toEqual([400, undefined])
    }
  })

  test("§7.3 an https redirect URI must have its registered port [AUTHZ-14]", async (server) => {
    const { open } = await acquainted(server)
    expect((await open({ redirect_uri: "https://client.example:8443/callback" })).status).toBe(400)
  })

  test("§8.1 a native app must use PKCE [AUTHZ-29]", async (server) => {
    const client = await server.register(native("com.example.app:/callback"))
    const parameters = { redirect_uri: "com.example.app:/callback", code_challenge: undefined }
    const { page } = await server.toConsent(client, parameters)
    expect(page.document.querySelector("a")?.getAttribute("href")).toContain("error=invalid_request")
    expect(page.document.querySelector("button[value=allow]")).toBeNull()
  })

  test("§8.2 a native app cannot use the implicit grant [AUTHZ-07]", async (server) => {
    const { open } = await acquainted(server)
    expect(sentBack(await open({ response_type: "token" })).error).toBe("unsupported_response_type")
  })

  test("§8.3 localhost has the same rules as the loopback addresses [AUTHZ-22]", async (server) => {
    const client = await server.register(native("http://localhost/cb"))
    const { answer } = await allow(server, client, { redirect_uri: "http://localhost:4321/cb" })
    expect(answer.sentTo?.searchParams.has("code")).toBe(true)
    const named = { redirect_uri: "http://127.0.0.1:4321/cb" }
    expect((await server.browser().open((await server.request(client, named)).url)).status).toBe(400)
  })

  test("§8.4 an app registers complete redirect URIs, which are compared exactly [AUTHZ-13]", async (server) => {
    const uri = "com.example.app:/callback"
    const client = await server.register(native(uri))
    for (const redirect_uri of [
      "com.example.app:/",
      "com.example.app://callback",
      `${uri}/x`,
      "com.example:/callback"
    ]) {
      const page = await server.browser().open((await server.request(client, { redirect_uri })).url)
      expect(page.status, redirect_uri).toBe(400)
    }
  })

  test("§8.4 a native app is a public client, and registers as one [REG-17]", async (server) => {
    const answer = await json(register(server, { ...native(redirectUri), application_type: "native" }), 201)
    expect(answer).toMatchObject({ token_endpoint_auth_method: "none", application_type: "native" })
    expect(answer).not.toHaveProperty("client_secret")
  })

  test("§8.6 an app that cannot authenticate needs consent each time [AUTHZ-39]", async (server) => {
    const redirect_uri = "http://127.0.0.1/cb"
    const client = await server.register(native(redirect_uri))
    const { browser } = await allow(server, client, { redirect_uri })
    const again = await browser.open((await server.request(client, { redirect_uri })).url)
    expect(again.document.querySelector("button[value=allow]")).not.toBeNull()
  })

  test("§8.10 the response names its issuer [AUTHZ-42]", async (server) => {
    const uri = "com.example.app:/callback"
    const { answer } = await allow(server, await server.register(native(uri)), { redirect_uri: uri })
    expect(answer.sentTo?.searchParams.get("iss")).toBe(issuer)
  })
})
