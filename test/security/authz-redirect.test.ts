/** AUTHZ: the redirect URI. */
import { expect } from "vitest"
import * as Url from "../../src/domain/Url.js"
import type { Client } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import type { Target } from "./support/Target.js"
import { expectPage, query, sentTo, visit } from "./support/Walk.js"

const { check, control } = family()

const registered = "https://c1.example/cb"

/** A client with these redirect URIs. The user has allowed each. */
const known = async (target: Target, ...uris: ReadonlyArray<string>): Promise<Client> => {
  const client = await target.register({ redirect_uris: uris })
  for (const redirect_uri of uris) {
    const { browser, page } = await target.toConsent(client, { redirect_uri })
    const { sentTo } = await browser.submit(page, { button: "allow" })
    expect(sentTo?.searchParams.has("code"), redirect_uri).toBe(true)
  }
  return client
}

/** Each of these queries gets a page without a redirect. */
const expectRefused = async (target: Target, client: Client, uris: ReadonlyArray<string>) => {
  const browser = await target.person()
  const rest = await query(target, client, { redirect_uri: undefined })
  for (const uri of uris) {
    const answer = await visit(target, `redirect_uri=${uri}&${rest}`, browser)
    expectPage(answer, 400, uri.slice(0, 100))
    expect(answer.body, uri.slice(0, 100)).not.toMatch(/href="(?!\/)/)
    expect(answer.all("x-evil")).toEqual([])
  }
}

const encoded = (...uris: ReadonlyArray<string>) => uris.map(encodeURIComponent)

check("AUTHZ-13", "a redirect URI matches as a string: no other path, case or slash", async (target) => {
  const paths = ["/cb/", "/CB", "/cb/x", "/cb/..", "/cb/../cb", "/./cb", "//cb", "/cb;", "/cb;a", "/cb..;/x", "/cb%2f"]
  const others = [...paths, "/c%62", "/%63b", "%2Fcb", "/cb ", "/cb.", "/cb\\", "/c", "/", ""]
  await expectRefused(
    target,
    await known(target, registered),
    encoded(...others.map((path) => `https://c1.example${path}`))
  )
})

check("AUTHZ-14", "a redirect URI matches as a string: no other authority, however it is written", async (target) => {
  const uris = [
    "https://c1.example@evil.example/cb",
    "https://evil.example\\@c1.example/cb",
    "https://a@b@c1.example/cb",
    "https://a@c1.example/cb",
    "https://c1.example.evil.example/cb",
    "https://evil.example/https://c1.example/cb",
    "https://c1.example:443/cb",
    "https://C1.EXAMPLE/cb",
    "HTTPS://c1.example/cb",
    "https://c1.example./cb",
    "https://xn--c1-example/cb",
    "https://\u04411.example/cb",
    "https://c1.example\0.evil.example/cb",
    "https://c1.example%00.evil.example/cb",
    "https://[::1]/cb",
    "https:c1.example/cb",
    "https:///c1.example/cb"
  ]
  await expectRefused(target, await known(target, registered), encoded(...uris))
})

check("AUTHZ-15", "a redirect URI matches as a string: no query is added, changed or left out", async (target) => {
  const plain = ["?x=1", "?", "&x=1", "?code=x"].map((rest) => registered + rest)
  await expectRefused(target, await known(target, registered), encoded(...plain))
  const other = ["?x=2", "", "?x=1&y=2", "?x=1&", "?y=2&x=1", "?x=%31"].map((rest) => registered + rest)
  await expectRefused(target, await known(target, `${registered}?x=1`), encoded(...other))
})

check("AUTHZ-16", "a registered query is kept, and may not name parameters of the response", async (target) => {
  const uri = `${registered}?env=1`
  const client = await known(target, uri)
  const text = await query(target, client, { redirect_uri: uri })
  const said = sentTo(await visit(target, text, await target.person()), uri)
  expect(Object.keys(said)).toEqual(["code", "state", "iss"])
  for (const name of ["code", "iss", "state", "error"]) {
    const body = JSON.stringify({ redirect_uris: [`${registered}?${name}=evil`] })
    const headers = { "Content-Type": "application/json" }
    const answer = await target.http({ method: "POST", path: "/register", headers, body })
    expect([answer.status, answer.json().error], name).toEqual([400, "invalid_redirect_uri"])
  }
})

check(
  "AUTHZ-17",
  "a redirect URI of another scheme, or without a scheme, is refused and is no link",
  async (target) => {
    const uris = [
      "http://c1.example/cb",
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "java\nscript:alert(1)",
      " javascript:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "blob:https://c1.example/x",
      "file:///etc/passwd",
      "about:blank",
      "ftp://c1.example/cb",
      "//c1.example/cb",
      "/cb",
      "cb"
    ]
    const client = await target.register({ redirect_uris: [registered, `${registered}/2`] })
    await expectRefused(target, client, encoded(...uris, ""))
  }
)

check("AUTHZ-18", "a redirect URI with a fragment is refused", async (target) => {
  const client = await known(target, registered)
  await expectRefused(target, client, [...encoded(`${registered}#x`, `${registered}#`), `${registered}%2523x`])
})

check(
  "AUTHZ-19",
  "control characters and broken encodings in a redirect URI put nothing into a header",
  async (target) => {
    const client = await known(target, registered)
    const rests = [
      "%0d%0aX-Evil:1",
      "%0aX-Evil:%201",
      "%00",
      "%09",
      "%e2%80%a8",
      "%c0%af",
      "%ed%a0%80",
      "%zz",
      "%",
      "%ff"
    ]
    const uris = [...rests, "%ef%bc%8f", "x".repeat(8192)].map((rest) => registered + rest)
    await expectRefused(target, client, uris)
    const raw = await target.bytes(`GET /authorize?redirect_uri=${registered}\0 HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(raw.answers.map(({ status }) => status)).toEqual([400])
  }
)

check("AUTHZ-20", "a client on loopback may be at any port", async (target) => {
  const client = await known(target, "http://127.0.0.1/cb", "http://[::1]/cb")
  const browser = await target.person()
  for (const host of ["127.0.0.1", "[::1]"]) {
    for (const port of [1, 1024, 49152, 65535]) {
      const redirect_uri = `http://${host}:${port}/cb`
      const { page } = await target.toConsent(client, { redirect_uri })
      await browser.submit(page, { button: "allow" })
      const location = browser.seen.at(-1)?.headers.get("location")
      expect(location?.startsWith(`${redirect_uri}?code=`), redirect_uri).toBe(true)
    }
  }
})

check("AUTHZ-21", "only the port of a loopback redirect URI may differ", async (target) => {
  const hosts = ["127.0.0.2", "localhost", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433"]
  const uris = [
    ...[...hosts, "0x7f.1", "127.0.0.1.evil.example", "127.0.0.1.", "evil@127.0.0.1"].map(
      (host) => `http://${host}:1234/cb`
    ),
    ...["/cb2", "/cb/", "/", "", "/cb?x=1", "/cb#x"].map((path) => `http://127.0.0.1:1234${path}`),
    ...["0", "65536", "-1", "abc", "", "01234", "1234 ", "99999999999"].map((port) => `http://127.0.0.1:${port}/cb`),
    "https://127.0.0.1:1234/cb",
    "HTTP://127.0.0.1:1234/cb"
  ]
  await expectRefused(target, await known(target, "http://127.0.0.1:1234/cb"), encoded(...uris))
})

check(
  "AUTHZ-22",
  "a client at localhost may be at any port, and the page says that it is on this device",
  async (target) => {
    const client = await known(target, "http://localhost:3000/cb")
    const { page } = await target.toConsent(client, { redirect_uri: "http://localhost:4000/cb" })
    expect(page.html).toContain("a program on this device")
    const others = ["localhost.evil.example", "localhost.", "LOCALHOST", "127.0.0.1"]
    await expectRefused(target, client, encoded(...others.map((host) => `http://${host}:3000/cb`)))
  }
)

check("AUTHZ-23", "a private-use scheme has a dot, and its URI matches as a string", async (target) => {
  const client = await known(target, "com.example.app:/cb")
  await expectRefused(
    target,
    client,
    encoded("com.example.app:/cb/", "com.example.app://cb", "COM.example.app:/cb", "com.example.app:/")
  )
  const headers = { "Content-Type": "application/json" }
  for (const uri of ["myapp:/cb", "myapp://cb"]) {
    const body = JSON.stringify({ redirect_uris: [uri] })
    expect((await target.http({ method: "POST", path: "/register", headers, body })).status, uri).toBe(400)
  }
})

/** A server that compares redirect URIs carelessly. */
const careless = (loosen: (uri: string) => string) => ({
  mutation: {
    request: (request: {
      method: string
      path: string
      headers: ReadonlyArray<readonly [string, string]>
      body: string
    }) => {
      const url = new URL(request.path, "http://x")
      const uri = url.searchParams.get("redirect_uri")
      if (uri !== null) url.searchParams.set("redirect_uri", loosen(uri))
      return { ...request, path: url.pathname + url.search }
    }
  }
})

control(
  "AUTHZ-13",
  "against a server that lets a prefix match",
  careless((uri) => (uri.startsWith(registered) ? registered : uri))
)

control(
  "AUTHZ-14",
  "against a server that normalises hosts",
  careless((uri) => Url.parse(uri)?.href ?? uri)
)

control(
  "AUTHZ-15",
  "against a server that ignores the query",
  careless((uri) => uri.replace(/\?x=1&y=2$/, "?x=1"))
)

control("AUTHZ-23", "against a server whose operator names a scheme without a dot", {
  settings: { privateUseSchemes: ["myapp"] }
})
