/** AUTHZ: the client and the parameters of the request. */
import { expect } from "vitest"
import { acquainted, sentBack } from "../conformance/support/Conformance.js"
import { redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import type { Answer } from "./support/Raw.js"
import { cookies, expectPage, query, sentTo, visit } from "./support/Walk.js"

const { check, control, otherwise } = family()

check("AUTHZ-01", "a user who allows is sent to the client with a code, the state and the issuer", async (target) => {
  const { browser, page } = await target.toConsent(await target.register())
  const { sentTo } = await browser.submit(page, { button: "allow" })
  const last = browser.seen.at(-1)
  expect(last?.status).toBe(303)
  expect(last?.headers.get("cache-control")).toBe("no-store")
  expect(last?.headers.get("location")).not.toContain("#")
  expect(sentTo?.href.startsWith(`${redirectUri}?`)).toBe(true)
  expect(Array.from(sentTo?.searchParams ?? [])).toEqual([
    // The secret part has 256 bits.
    ["code", expect.stringMatching(/^lk_ac_[A-Za-z0-9_-]{26}[A-Za-z0-9_-]{43}$/)],
    ["state", "the state"],
    ["iss", target.issuer]
  ])
})

check("AUTHZ-02", "a posted request is answered like one by GET, and other methods get 405", async (target) => {
  const client = await target.register()
  const browser = await target.person()
  const body = Object.fromEntries(new URLSearchParams(await query(target, client)))
  const posted = await target.http({ method: "POST", path: "/authorize", headers: cookies(browser), body })
  expect(posted.status).toBe(303)
  const location = new URL(posted.header("location") ?? "", target.issuer)
  expect([location.origin, location.pathname]).toEqual([target.origin, "/authorize"])
  expect(Object.fromEntries(location.searchParams)).toEqual(body)
  const page = await visit(target, location.search.slice(1), browser)
  expectPage(page, 200, "the consent page")
  expect(page.body).toContain("Allow access?")

  const bad = { ...body, redirect_uri: "https://evil.example/" }
  const refused = await target.http({ method: "POST", path: "/authorize", headers: cookies(browser), body: bad })
  expectPage(await visit(target, (refused.header("location") ?? "").split("?")[1] ?? "", browser), 400, "a bad target")
  for (const method of ["PUT", "DELETE", "PATCH"]) {
    const answer = await target.http({ method, path: `/authorize?${new URLSearchParams(body)}` })
    expect([answer.status, answer.header("allow")], method).toEqual([405, "GET, HEAD, POST"])
  }
})

otherwise(
  "AUTHZ-03",
  "ADR 33: the request travels in its own URL",
  "up to a hundred unknown parameters are ignored, and appear only in the link back to the same request",
  async (target) => {
    const client = await target.register()
    const browser = await target.person()
    const text = `${await query(target, client)}&foo=oddity"<1>&utm_source=oddity`
    const page = await visit(target, text.replace('"<1>', "%22%3C1%3E"), browser)
    expectPage(page, 200, "the consent page")
    expect(page.body.replace(/href="\/authorize\?[^"]*"/, "")).not.toContain("oddity")
    const { browser: walker, page: consent } = await target.toConsent(client, { foo: "oddity", utm_source: "oddity" })
    const { sentTo } = await walker.submit(consent, { button: "allow" })
    expect(Array.from(sentTo?.searchParams.keys() ?? [])).toEqual(["code", "state", "iss"])

    const many = Array.from({ length: 1000 }, (_, index) => `x${index}=`).join("&")
    expectPage(await visit(target, `${text.split("&foo")[0]}&${many}`, browser), 400, "a thousand parameters")
  }
)

check("AUTHZ-04", "a parameter without a value counts as omitted", async (target) => {
  const { browser, client } = await acquainted(target)
  const send = async (parameters: Readonly<Record<string, string>>) =>
    sentTo(await visit(target, await query(target, client, parameters), browser), redirectUri)
  expect(await send({ code_challenge: "" })).toMatchObject({ error: "invalid_request", state: "the state" })
  expect(await send({ scope: "", resource: "" })).toMatchObject({ code: expect.any(String) })
  expect(await send({ state: "" })).not.toHaveProperty("state")
})

check(
  "AUTHZ-05",
  "a repeated parameter is refused, whatever its values, and other spellings are ignored",
  async (target) => {
    const { browser, client } = await acquainted(target)
    const good = await query(target, client, { nonce: "n", response_mode: "query", max_age: "600" })
    const values = new URLSearchParams(good)
    for (const name of ["client_id", "redirect_uri"]) {
      for (const value of [values.get(name) ?? "", "https://evil.example/"]) {
        const again = `${name}=${encodeURIComponent(value)}`
        for (const text of [`${good}&${again}`, `${again}&${good}`]) {
          expectPage(await visit(target, text, browser), 400, again)
        }
      }
    }
    const others = ["response_type", "scope", "state", "code_challenge", "code_challenge_method", "response_mode"]
    for (const name of [...others, "nonce", "prompt", "max_age"]) {
      for (const value of [values.get(name) ?? "login", "other"]) {
        const again = `${name}=${encodeURIComponent(value)}`
        const text = values.has(name) ? `${good}&${again}` : `${good}&${again}&${again}`
        expect(sentTo(await visit(target, text, browser), redirectUri), again).toMatchObject({
          error: "invalid_request"
        })
      }
    }
    const twice = `${good}&request_uri=urn:a&request_uri=urn:b`
    expect(sentTo(await visit(target, twice, browser), redirectUri)).toMatchObject({ error: "invalid_request" })
    const spelt =
      "SCOPE=admin&scope%5B%5D=admin&scope%5B0%5D=admin&Client_Id=evil&redirect_uri%5B%5D=https://evil.example/"
    const resource = `resource=${encodeURIComponent(target.resource)}`
    for (const text of [`${good}&${spelt}`, `${spelt}&${good}`, `${good}&${resource}`]) {
      expect(sentTo(await visit(target, text, browser), redirectUri)).toHaveProperty("code")
    }
  }
)

check("AUTHZ-06", "a request without response_type is refused by redirect, with state and issuer", async (target) => {
  const { open } = await acquainted(target)
  expect(sentBack(await open({ response_type: undefined }))).toMatchObject({
    error: "invalid_request",
    state: "the state",
    iss: target.issuer
  })
})

check("AUTHZ-07", "only the response type code gives a code, and errors are in the query", async (target) => {
  const { browser, client } = await acquainted(target)
  const types = ["token", "id_token", "code token", "code id_token", "none", "code code", "CODE", "code ", "token code"]
  for (const response_type of types) {
    for (let visits = 0; visits < 2; visits++) {
      const answer = await visit(target, await query(target, client, { response_type }), browser)
      const said = sentTo(answer, redirectUri)
      expect(said.error, response_type).toBe("unsupported_response_type")
      expect(Object.keys(said).sort()).toEqual(["error", "error_description", "iss", "state"])
    }
  }
})

check(
  "AUTHZ-08",
  "only the response mode query is accepted, and no mode weakens the check of the redirect URI",
  async (target) => {
    const { browser, client } = await acquainted(target)
    const others = ["fragment", "web_message", "form_post", "form_post.jwt", "query.jwt", "x", "QUERY"]
    for (const response_mode of [...others, "query"]) {
      const answer = await visit(target, await query(target, client, { response_mode }), browser)
      const said = sentTo(answer, redirectUri)
      expect(said.error, response_mode).toBe(response_mode === "query" ? undefined : "invalid_request")
      const evil = await query(target, client, { response_mode, redirect_uri: `${redirectUri}/x` })
      expectPage(await visit(target, evil, browser), 400, response_mode)
    }
  }
)

/** The page repeats no part of an attack, and has no link. */
const expectSilent = (answer: Answer, what: string) => {
  expectPage(answer, 400, what)
  expect(answer.text, what).not.toContain("evil")
  expect(answer.body, what).not.toMatch(/href="(?!\/)/)
}

check("AUTHZ-09", "a request without client_id gets an error page", async (target) => {
  const client = await target.register()
  for (const client_id of [undefined, ""]) {
    const browser = await target.person()
    for (const who of [undefined, browser]) {
      expectSilent(await visit(target, await query(target, client, { client_id }), who), `client_id=${client_id}`)
    }
  }
})

check("AUTHZ-10", "a request of an unknown client gets an error page that repeats no part of it", async (target) => {
  const client = await target.register()
  for (const client_id of ["nope", '"><script>evil</script>', "evil".repeat(100), `${client.client_id} `, "\u00e4"]) {
    const redirect_uri = "https://evil.example/"
    expectSilent(await visit(target, await query(target, client, { client_id, redirect_uri })), client_id)
  }
})

check("AUTHZ-11", "a client with several redirect URIs must name one", async (target) => {
  const client = await target.register({ redirect_uris: [redirectUri, `${redirectUri}/2`] })
  for (const redirect_uri of [undefined, ""]) {
    const text = await query(target, client, { redirect_uri })
    expectSilent(await visit(target, text, await target.person()), "no redirect_uri")
  }
})

check("AUTHZ-12", "a request without a redirect URI is answered at the client's only one", async (target) => {
  const { open } = await acquainted(target)
  expect(sentBack(await open({ redirect_uri: undefined }))).toHaveProperty("code")
})

check("AUTHZ-26", "an error response has a registered code, plain text, the state and the issuer", async (target) => {
  const { browser, client } = await acquainted(target)
  const state = "s%2B +&=#/é"
  const wrong: ReadonlyArray<readonly [error: string, parameters: Readonly<Record<string, string | undefined>>]> = [
    ["invalid_request", { response_type: undefined }],
    ["invalid_request", { code_challenge: undefined }],
    ["invalid_request", { prompt: 'none "login"' }],
    ["unsupported_response_type", { response_type: 'x"\\\r\n' }],
    ["invalid_scope", { scope: 'ad"min' }],
    ["invalid_target", { resource: "https://evil.example/" }],
    ["request_not_supported", { request: "e30.e30." }],
    ["request_uri_not_supported", { request_uri: "urn:x" }]
  ]
  for (const [error, parameters] of wrong) {
    const said = sentTo(
      await visit(target, await query(target, client, { ...parameters, state }), browser),
      redirectUri
    )
    expect(said, error).toMatchObject({ error, state, iss: target.issuer })
    expect(said).not.toHaveProperty("code")
    expect(said.error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
  }
})

check(
  "AUTHZ-27",
  "state comes back byte for byte, or the request is refused, and no page contains it unescaped",
  async (target) => {
    const { browser, client } = await acquainted(target)
    const states = ["x", "x".repeat(4096), "a b+c%20&=#", "<script>alert(1)</script>", "\r\nX-Evil: 1", "😀", "é'\"\\"]
    for (const state of states) {
      const text = await query(target, client, { state })
      const answer = await visit(target, text, browser)
      expect(sentTo(answer, redirectUri)).toMatchObject({ state, code: expect.any(String) })
      expect(answer.all("x-evil")).toEqual([])
      expect((await visit(target, text)).body).not.toContain("<script>")
      expect((await visit(target, `${text}&prompt=consent`, browser)).body).not.toContain("<script>")
    }
    const good = await query(target, client, { state: undefined })
    for (const state of ["a%00b", "%00"]) expectPage(await visit(target, `${good}&state=${state}`, browser), 400, state)
    const long = sentTo(await visit(target, `${good}&state=${"x".repeat(4097)}`, browser), redirectUri)
    expect(long).toMatchObject({ error: "invalid_request" })
    expect(long).not.toHaveProperty("state")
  }
)

otherwise(
  "AUTHZ-28",
  "ADR 33: a request head above 16 KiB gets 431",
  "a long nonce and a long state work, and a request that is far too long is refused",
  async (target) => {
    const { browser, client } = await acquainted(target)
    for (const parameters of [{ nonce: "n".repeat(384) }, { state: "s".repeat(2048) }]) {
      const answer = await visit(target, await query(target, client, parameters), browser)
      expect(sentTo(answer, redirectUri)).toHaveProperty("code")
    }
    const text = await query(target, client, { state: "s".repeat(64 * 1024) })
    expect((await visit(target, text, browser)).status).toBe(431)
    const body = Object.fromEntries(new URLSearchParams(text))
    expect((await target.http({ method: "POST", path: "/authorize", body })).status).toBe(413)
    const shorter = { ...body, state: "s".repeat(32 * 1024) }
    expect((await target.http({ method: "POST", path: "/authorize", body: shorter })).status).toBe(400)
  }
)

control("AUTHZ-05", "against a server that takes the first of repeated parameters", {
  mutation: {
    request: (request) => {
      const [path = "", search] = request.path.split("?")
      if (path !== "/authorize" || search === undefined) return request
      const first = Object.fromEntries([...new URLSearchParams(search)].reverse())
      return { ...request, path: `${path}?${new URLSearchParams(first)}` }
    }
  }
})

control("AUTHZ-10", "against a server whose error page repeats the request", {
  mutation: {
    answer: (answer, { path }) =>
      answer.status === 400 ? { ...answer, body: `${answer.body}${decodeURIComponent(path)}` } : answer
  }
})

control("AUTHZ-27", "against a server that echoes at most a hundred characters of state", {
  mutation: {
    answer: (answer) => ({
      ...answer,
      headers: answer.headers.map(([name, value]) => [name, value.replace(/(state=[^&]{100})[^&]*/, "$1")])
    })
  }
})
