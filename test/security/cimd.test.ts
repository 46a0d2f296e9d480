/** CIMD: client ID metadata documents, as their hosts may serve them. */
import { gzipSync } from "node:zlib"
import { expect } from "vitest"
import { outcome, redirectUri, tokensOf } from "../flow/support/Server.js"
import { claimsOf, makeKey, parametersOf, signed } from "../support/Assertions.js"
import { family } from "./support/Catalogue.js"
import { ask, careless, documentOf, expectAsked, expectRefused, hosting } from "./support/DocumentHost.js"
import { connectionsTo } from "./support/Listener.js"
import { newSession, textOf } from "./support/Login.js"
import { good, post } from "./support/Register.js"
import { query, visit } from "./support/Walk.js"

const { check, control, otherwise } = family()

check("CIMD-01", "only a URL by the rules of §3, in normal form, is fetched; a query is allowed", (target) =>
  hosting(async (host) => {
    await expectAsked(target, host.publishClient("/client.json?v=1"))
    host.requests.length = 0
    const { origin, port } = host
    for (const id of [
      "http://app.example/client.json",
      `http://127.0.0.2:${port}/client.json`,
      `ftp://127.0.0.1:${port}/client.json`,
      "https://app.example",
      "https://app.example/",
      origin,
      `${origin}/`,
      `${origin}/a/../client.json`,
      `${origin}/./client.json`,
      `${origin}/%2e%2e/client.json`,
      `${origin}/%2E/client.json`,
      `${origin}/client.json#`,
      `${origin}/client.json#fragment`,
      `http://user:pass@127.0.0.1:${port}/client.json`,
      `http://user@127.0.0.1:${port}/client.json`,
      `http://@127.0.0.1:${port}/client.json`,
      `http://2130706433:${port}/client.json`,
      `http://0x7f000001:${port}/client.json`,
      `http://127.1:${port}/client.json`,
      `HTTP://127.0.0.1:${port}/client.json`,
      `http://LOCALHOST:${port}/client.json`,
      `http:\\\\127.0.0.1:${port}\\client.json`,
      `http:127.0.0.1:${port}/client.json`,
      ` ${origin}/client.json`,
      `${origin}/client .json`,
      `${origin}/client\n.json`,
      `${origin}/clïent.json`,
      `${origin}/${"x".repeat(3072)}`
    ]) {
      await expectRefused(target, id)
    }
    expect(host.requests).toEqual([])
  })
)

check("CIMD-02", "the client_id in a document is its URL, letter by letter", (target) =>
  hosting(async (host) => {
    const { port } = host
    for (const client_id of [
      undefined,
      null,
      "",
      [`${host.origin}/c%7Elient`],
      `${host.origin}/c%7Elient/`,
      `${host.origin}/C%7Elient`,
      `${host.origin}/c~lient`,
      `${host.origin}/c%7elient`,
      `${host.origin}/c%7Elient?`,
      `${host.origin}/c%7Elient#`,
      `${host.origin}/c%7Elient `,
      `HTTP://127.0.0.1:${port}/c%7Elient`,
      `http://127.0.0.1:${port + 1}/c%7Elient`,
      `http://localhost:${port}/c%7Elient`,
      `https://127.0.0.1:${port}/c%7Elient`
    ]) {
      await expectRefused(target, host.publishClient("/c%7Elient", { client_id }), {}, String(client_id))
    }
    await expectAsked(target, host.publishClient("/c%7Elient"))
  })
)

check("CIMD-03", "only status 200 is a document, and no redirect is followed", (target) =>
  hosting(async (host) => {
    for (const status of [201, 203, 204, 206, 300, 301, 302, 303, 304, 307, 308, 401, 404, 410, 500, 503]) {
      const id = `${host.origin}/${status}`
      // The redirect leads to a document with the right client_id.
      const location = host.publish(`/good/${status}`, { body: documentOf(id) })
      host.publish(`/${status}`, { status, headers: { location, refresh: `0; url=${location}` }, body: documentOf(id) })
      await expectRefused(target, id)
    }
    expect(host.requests.filter(({ url }) => url?.startsWith("/good"))).toEqual([])
  })
)

check("CIMD-04", "a document is one strict JSON object, sent as JSON", (target) =>
  hosting(async (host) => {
    const id = `${host.origin}/client.json`
    const text = JSON.stringify(documentOf(id))
    for (const body of [
      "",
      "<html></html>",
      `[${text}]`,
      "null",
      '"text"',
      "{",
      `${text}x`,
      text.replace("]", "],"),
      `\ufeff${text}`,
      Buffer.from(text, "utf16le"),
      Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]),
      `{"redirect_uris":["https://evil.example/cb"],${text.slice(1)}`,
      `{"client_id":"https://evil.example/c",${text.slice(1)}`,
      `{"jwks":{"keys":[],"keys":[]},${text.slice(1)}`,
      `{"__proto__":${text}}`,
      `{"client_id":"${id}","__proto__":{"redirect_uris":["${redirectUri}"]}}`
    ]) {
      host.publish("/client.json", { body })
      await expectRefused(target, id, {}, String(body))
    }
    for (const type of ["text/html", "text/json", "text/plain", "application/jsonp", "application/octet-stream", ""]) {
      host.publish("/client.json", { body: text, headers: { "content-type": type } })
      await expectRefused(target, id, {}, type)
    }
    // A member that names a prototype is an unknown member. The two types of §4.1 are accepted.
    const members = '"__proto__":{"client_name":"Evil","polluted":1},"constructor":{"prototype":{"polluted":1}}'
    for (const [path, type] of [
      ["/a", "application/json; charset=utf-8"],
      ["/b", "application/oauth-client+json"]
    ] as const) {
      const body = `{${members},${JSON.stringify(documentOf(`${host.origin}${path}`)).slice(1)}`
      const answer = await expectAsked(target, host.publish(path, { body, headers: { "content-type": type } }))
      expect(answer.body).not.toContain("Evil")
    }
    expect(({} as Readonly<Record<string, unknown>>).polluted).toBeUndefined()
  })
)

check("CIMD-05", "a document with a secret, or only with methods that need one, is refused", (target) =>
  hosting(async (host) => {
    for (const changes of [
      { token_endpoint_auth_method: "client_secret_basic" },
      { token_endpoint_auth_method: "client_secret_post" },
      { token_endpoint_auth_method: "client_secret_jwt" },
      {
        token_endpoint_auth_method: "client_secret_post",
        token_endpoint_auth_methods_supported: ["client_secret_basic"]
      },
      { client_secret: "secret" },
      { client_secret: "" },
      { client_secret: 1 },
      { client_secret_expires_at: 0 },
      { client_secret: "secret", client_secret_expires_at: 4102444800 }
    ]) {
      await expectRefused(target, host.publishClient("/client.json", changes), {}, JSON.stringify(changes))
    }
  })
)

check("CIMD-06", "a document of more than 5 KiB is refused, and no body is decoded", (target) =>
  hosting(async (host) => {
    const padded = (path: string, size: number) => {
      const text = JSON.stringify(documentOf(`${host.origin}${path}`, { padding: "" }))
      return text.replace('"padding":""', `"padding":"${"x".repeat(size - text.length)}"`)
    }
    const max = 5 * 1024
    await expectAsked(target, host.publish("/largest", { body: padded("/largest", max) }))
    await expectRefused(target, host.publish("/announced", { body: padded("/announced", max + 1) }))
    const chunked = host.publish("/chunked", (_, response) => {
      response.writeHead(200, { "content-type": "application/json" })
      response.write("{")
      response.end(padded("/chunked", max + 1).slice(1))
    })
    await expectRefused(target, chunked)

    let written = 0
    let isAborted = false
    const endless = host.publish("/endless", (_, response) => {
      response.writeHead(200, { "content-type": "application/json" })
      const timer = setInterval(() => response.write(" ".repeat(1024), () => written++), 1)
      response.once("close", () => {
        clearInterval(timer)
        isAborted = true
      })
    })
    await expectRefused(target, endless)
    await expect.poll(() => isAborted).toBe(true)
    expect(written).toBeLessThan(1000)

    for (const encoding of ["gzip", "x-gzip", "br", "deflate"]) {
      const bomb = gzipSync(padded(`/${encoding}`, 4096) + " ".repeat(10_000_000))
      const headers = { "content-encoding": encoding }
      await expectRefused(target, host.publish(`/${encoding}`, { body: bomb.subarray(0, max), headers }))
      const body = gzipSync(padded(`/${encoding}`, 1024))
      await expectRefused(target, host.publish(`/${encoding}`, { body, headers }))
    }
    for (const lie of [10, max + 1, 1e12]) {
      const id = host.publish(`/lie/${lie}`, (_, response) => {
        response.socket?.end(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${lie}\r\n\r\n${padded(`/lie/${lie}`, 1024)}`
        )
      })
      await expectRefused(target, id)
    }
  })
)

check("CIMD-11", "the request for a document has fixed headers, and nothing of the user or of the client", (target) =>
  hosting(async (host) => {
    const id = host.publish("/client.json?a=b", {
      body: documentOf(`${host.origin}/client.json?a=b`),
      headers: { "set-cookie": "evil=1; Path=/" }
    })
    const server = await target.another({})
    await expectAsked(server, id)
    await server.advance("25 hours")
    const browser = await newSession(server)
    await visit(server, await query(server, { client_id: id }), browser)
    expect(host.requests).toHaveLength(2)
    for (const { headers, method, url } of host.requests) {
      expect([method, url]).toEqual(["GET", "/client.json?a=b"])
      expect(headers).toEqual({
        host: `127.0.0.1:${host.port}`,
        accept: "application/json",
        "accept-encoding": "identity",
        "user-agent": "Latchkey",
        connection: "close"
      })
    }
  })
)

check("CIMD-12", "errors and refused documents are not cached, and others for a minute to a day", async (target) => {
  await hosting(async (host) => {
    for (const [path, bad] of [
      ["/status", { status: 500 }],
      ["/invalid", { body: "{" }],
      ["/secret", { body: documentOf(`${host.origin}/secret`, { client_secret: "x" }) }]
    ] as const) {
      await expectRefused(target, host.publish(path, { ...bad, headers: { "cache-control": "max-age=3600" } }))
      await expectAsked(target, host.publishClient(path))
    }

    const server = await target.another({ isStopped: true })
    const fetches = async (id: string) => {
      const before = host.requests.length
      const text = await query(server, { client_id: id }, { prompt: "consent" })
      const answer = await visit(server, text, await newSession(server))
      expect(answer.status).toBe(200)
      return host.requests.length - before
    }
    const short = host.publishClient("/short", {}, { "cache-control": "no-store, max-age=0", vary: "*" })
    expect(await fetches(short)).toBe(1)
    await server.advance(59_000)
    expect(await fetches(short)).toBe(0)
    await server.advance(1_000)
    expect(await fetches(short)).toBe(1)
    const long = host.publishClient("/long", {}, { "cache-control": `max-age=${10 * 365 * 86_400}` })
    expect(await fetches(long)).toBe(1)
    await server.advance(86_399_000)
    expect(await fetches(long)).toBe(0)
    await server.advance(1_000)
    expect(await fetches(long)).toBe(1)
  })
})

check(
  "CIMD-14",
  "a changed document gives no redirect URI without consent, and its old keys end with its cache",
  (target) =>
    hosting(async (host) => {
      const server = await target.another({})
      const moved = "https://moved.example/cb"
      const id = host.publishClient("/client.json", {}, { "cache-control": "max-age=300" })
      const client = { client_id: id, token_endpoint_auth_method: "none" }
      await server.tokens(client)
      host.publishClient("/client.json", { client_name: "Renamed", redirect_uris: [moved] })
      const before = host.requests.length
      // A host is not asked again within seconds.
      await expectRefused(server, id, { redirect_uri: moved })
      expect(host.requests.length).toBe(before)
      await server.advance("11 seconds")
      const answer = await expectAsked(server, id, { redirect_uri: moved, prompt: undefined })
      expect(textOf(answer)).toContain("Renamed")
      expect(host.requests.length).toBe(before + 1)
      await expectRefused(server, id)

      const [key, next] = [makeKey("ES256", { kid: "one" }), makeKey("ES256", { kid: "two" })]
      const signing = ({ jwk }: typeof key) => ({
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [jwk] }
      })
      const signed1 = host.publishClient("/signing.json", signing(key))
      const signer = { client_id: signed1, token_endpoint_auth_method: "none" }
      const proof = (by: typeof key) =>
        parametersOf(
          signed(
            by,
            { kid: by.jwk.kid },
            claimsOf(signed1, server.issuer, server.clock.clock.unsafeCurrentTimeMillis())
          )
        )
      const tokens = await tokensOf(server.redeem(signer, await server.code(signer), proof(key)))
      host.publishClient("/signing.json", signing(next))
      await server.advance("20 minutes")
      expect(await outcome(server.refresh(signer, tokens.refresh_token, proof(key)))).toBe("401 invalid_client")
      expect(await outcome(server.refresh(signer, tokens.refresh_token))).toBe("401 invalid_client")
      expect(await outcome(server.refresh(signer, tokens.refresh_token, proof(next)))).toBe("200")
    })
)

check("CIMD-15", "only a redirect URI of the document that policy allows is used", (target) =>
  hosting(async (host) => {
    const id = host.publishClient("/client.json")
    for (const redirect_uri of [
      "https://evil.example/callback",
      `${redirectUri}/`,
      `${redirectUri}?a=b`,
      redirectUri.toUpperCase(),
      `${redirectUri}#`,
      "javascript:alert(1)"
    ]) {
      await expectRefused(target, id, { redirect_uri }, redirect_uri)
    }
    for (const redirect_uri of [
      "javascript:alert(1)",
      "data:text/html,x",
      "http://evil.example/cb",
      "https://app.example/cb#fragment",
      "https://user:pass@app.example/cb",
      "file:///etc/passwd",
      "//app.example/cb",
      ""
    ]) {
      const alone = host.publishClient("/alone", { redirect_uris: [redirect_uri] })
      await expectRefused(target, alone, { redirect_uri }, redirect_uri)
      await expectRefused(target, alone, { redirect_uri: undefined }, redirect_uri)
    }
    const beside = host.publishClient("/beside", { redirect_uris: ["javascript:alert(1)", redirectUri] })
    await expectAsked(target, beside)
    await expectRefused(target, beside, { redirect_uri: "javascript:alert(1)" })
    for (const redirect_uris of [undefined, [], redirectUri, {}, [1]]) {
      const none = host.publishClient("/none", { redirect_uris })
      await expectRefused(target, none, {}, JSON.stringify(redirect_uris))
    }
  })
)

otherwise("CIMD-16", "ADR 52: no logo is ever loaded", "a logo is not fetched, and no page names it", (target) =>
  hosting(async (host) => {
    const connections = await connectionsTo(async (port) => {
      for (const [path, logo_uri] of [
        ["/a", `${host.origin}/logo.svg`],
        ["/b", `https://127.0.0.1:${port}/logo.svg`],
        ["/c", "https://10.0.0.1/logo.svg"],
        ["/d", "data:image/svg+xml,<svg onload=alert(1)/>"]
      ] as const) {
        const { body } = await expectAsked(target, host.publishClient(path, { logo_uri }))
        expect(body, logo_uri).not.toMatch(/logo\.svg|svg\+xml|<img|<image/i)
      }
    })
    expect(connections).toBe(0)
    expect(host.requests.map(({ url }) => url)).toEqual(["/a", "/b", "/c", "/d"])
  })
)

check("CIMD-17", "the consent page shows the host of the document and that of the redirect URI", (target) =>
  hosting(async (host) => {
    const answer = await expectAsked(target, host.publishClient("/client.json"))
    expect(textOf(answer)).toContain(`Verified host: 127.0.0.1:${host.port}`)
    expect(textOf(answer)).toContain(new URL(redirectUri).host)

    // Hosts of mixed scripts: any host is this one on loopback.
    const server = await target.another({ seams: careless })
    const origin = `https://xn--pple-43d.example:${host.port}`
    const redirect_uri = "https://xn--pple-43d.com/cb"
    host.publish("/mixed.json", { body: documentOf(`${origin}/mixed.json`, { redirect_uris: [redirect_uri] }) })
    const text = textOf(await expectAsked(server, `${origin}/mixed.json`, { redirect_uri }))
    expect(text).toContain(`Verified host: xn--pple-43d.example:${host.port}`)
    expect(text).toContain("xn--pple-43d.com")
    expect(text).not.toMatch(/[\u0400-\u04ff]/)
    await expectRefused(server, `https://\u0430pple.example:${host.port}/mixed.json`, { redirect_uri })
  })
)

check("CIMD-18", "no registered client has the URL of a document as its id", async (target) => {
  await hosting(async (host) => {
    const id = host.publishClient("/client.json")
    for (const metadata of [good, { ...good, client_id: id }, { ...good, client_id: "https://app.example/c" }]) {
      const { client_id } = (await post(target, metadata)).json()
      expect(client_id).not.toMatch(/:|\//)
    }
    await expect(target.addClient({ client_id: id })).resolves.toMatchObject({
      client_id: expect.not.stringMatching(/:|\//)
    })
    // The document and not a registration describes the URL.
    expect(textOf(await ask(target, id))).toContain("Verified host")
  })
})

control("CIMD-03", "against a server that follows redirects", { seams: careless })

control("CIMD-06", "against a server that reads and decodes bodies of any size", { seams: careless })

control("CIMD-11", "against a server that sends the headers of a common client", { seams: careless })
