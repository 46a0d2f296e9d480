/** TOKEN: requests and responses of the token endpoint for all grant types. */
import { expect } from "vitest"
import { type Client, outcome, password, redirectUri, tokensOf } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { outage } from "./support/Outage.js"
import { outcomeOf } from "./support/Outcome.js"
import { type Answer, format } from "./support/Raw.js"
import { notesOf, type Target } from "./support/Target.js"

const { check, control, otherwise } = family()

const form = "application/x-www-form-urlencoded"

/** A public client with a code, and the request that redeems it. */
const ready = async (target: Target) => {
  const client = await target.register()
  const held = await target.code(client)
  const request: Readonly<Record<string, string>> = {
    grant_type: "authorization_code",
    client_id: client.client_id,
    code: held.code,
    code_verifier: held.verifier,
    redirect_uri: redirectUri
  }
  return { client, held, request, text: new URLSearchParams(request).toString() }
}

const post = (target: Target, body: string, headers: Readonly<Record<string, string>> = { "Content-Type": form }) =>
  target.http({ method: "POST", path: "/token", headers, body })

/** The correct redemption of the code succeeds, because no earlier request spent the code. */
const isUnspent = async (target: Target, body: string) => expect(outcomeOf(await post(target, body))).toBe("200")

check("TOKEN-01", "the token endpoint answers only POST, and other methods spend nothing", async (target) => {
  const { text } = await ready(target)
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"]) {
    for (const path of ["/token", `/token?${text}`]) {
      const headers = { "Content-Type": form, "X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST" }
      const answer = await target.http({ method, path, headers, body: text })
      expect([answer.status, answer.header("allow")], method).toEqual([405, "POST, OPTIONS"])
    }
  }
  await isUnspent(target, text)
})

check("TOKEN-02", "the token endpoint reads parameters from the body only, and logs no query", async (target) => {
  const { held, request, text } = await ready(target)
  const { code: _, ...rest } = request
  const requests: ReadonlyArray<readonly [query: string, body: string]> = [
    [text, ""],
    [`code=${held.code}`, new URLSearchParams(rest).toString()],
    ["client_secret=a-secret-in-the-query", text],
    ["foo=1", text],
    [text, text]
  ]
  for (const [query, body] of requests) {
    const headers = { "Content-Type": form }
    const answer = await target.http({ method: "POST", path: `/token?${query}`, headers, body })
    expect(outcomeOf(answer), query).toBe("400 invalid_request")
  }
  const { log = "", spans = "" } = target.observed.places()
  for (const secret of [held.code, "a-secret-in-the-query"]) expect(`${log}${spans}`.includes(secret)).toBe(false)
  await isUnspent(target, text)
})

check("TOKEN-03", "the token endpoint reads only forms in UTF-8, uncompressed", async (target) => {
  const { request, text } = await ready(target)
  const json = JSON.stringify(request)
  const multipart = `--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nauthorization_code\r\n--x--\r\n`
  const refused: ReadonlyArray<readonly [body: string, headers: Readonly<Record<string, string>>]> = [
    [json, { "Content-Type": "application/json" }],
    [multipart, { "Content-Type": "multipart/form-data; boundary=x" }],
    [text, { "Content-Type": "text/plain" }],
    [text, {}],
    [text, { "Content-Type": "" }],
    [text, { "Content-Type": `${form}x` }],
    [text, { "Content-Type": `${form}, ${form}` }],
    [text, { "Content-Type": form, "Content-Encoding": "gzip" }],
    [text, { "Content-Type": form, "Content-Encoding": "deflate" }],
    [text, { "Content-Type": form, "Content-Encoding": "identity, gzip" }]
  ]
  for (const [body, headers] of refused) {
    expect(outcomeOf(await post(target, body, headers)), JSON.stringify(headers)).toBe("400 invalid_request")
  }
  const twice = [
    ["Content-Type", form],
    ["Content-Type", "text/plain"]
  ] as const
  const answer = await target.http({ method: "POST", path: "/token", headers: twice, body: text })
  expect(outcomeOf(answer)).toBe("400 invalid_request")
  // The charset is ignored: UTF-8 is read, and other bytes are refused.
  const labelled = { "Content-Type": `${form}; charset=iso-8859-1` }
  expect(outcomeOf(await post(target, `${text}&x=%E9`, labelled))).toBe("400 invalid_request")
  expect(outcomeOf(await post(target, text, labelled))).toBe("200")
})

check(
  "TOKEN-04",
  "a body of more than 64 KiB is refused before it is read, and the connection closes",
  async (target) => {
    const { text } = await ready(target)
    const padded = (length: number) => `${text}&x=${"x".repeat(length - text.length - 3)}`
    const chunk = `4000\r\n${"a".repeat(0x4000)}\r\n`
    const headers = { "Content-Type": form }
    const requests: Readonly<Record<string, Buffer>> = {
      "64 KiB + 1": format(target.port, { method: "POST", path: "/token", headers, body: padded(64 * 1024 + 1) }),
      "an announced 1 GiB": format(target.port, {
        method: "POST",
        path: "/token",
        headers: { ...headers, "Content-Length": "1073741824", Connection: "keep-alive" },
        body: text
      }),
      "chunks without end": format(target.port, {
        method: "POST",
        path: "/token",
        headers: { ...headers, "Transfer-Encoding": "chunked", Connection: "keep-alive" },
        body: chunk.repeat(8)
      }),
      "a million parameters": format(target.port, { method: "POST", path: "/token", headers, body: "a=1&".repeat(1e6) })
    }
    const before = process.memoryUsage().rss
    for (const [name, bytes] of Object.entries(requests)) {
      const { answers, closed } = await target.bytes(bytes, { answers: 2 })
      expect(answers.map(outcomeOf), name).toEqual(["413 invalid_request"])
      expect(closed, name).toBe(true)
      expect(answers[0]?.header("connection"), name).toBe("close")
    }
    // The client with its body of 4 MB is in this process too.
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
    await isUnspent(target, padded(64 * 1024))
  }
)

check("TOKEN-05", "a repeated parameter is refused and spends nothing, except resource", async (target) => {
  const { client, request, text } = await ready(target)
  for (const name of [...Object.keys(request), "scope", "client_secret", "unknown", "__proto__"]) {
    for (const value of [request[name] ?? "y", "x"]) {
      const pair = `${name}=${encodeURIComponent(value)}`
      const body = Object.hasOwn(request, name) ? `${text}&${pair}` : `${text}&${pair}&${pair}`
      expect(outcomeOf(await post(target, body)), pair).toBe("400 invalid_request")
    }
  }
  const { refresh_token } = await target.tokens(client)
  const refresh = `grant_type=refresh_token&client_id=${client.client_id}&refresh_token=${refresh_token}`
  expect(outcomeOf(await post(target, `${refresh}&refresh_token=${refresh_token}`))).toBe("400 invalid_request")
  const resource = `&resource=${encodeURIComponent(target.resource)}`
  await isUnspent(target, text + resource + resource)
})

check("TOKEN-06", "an empty parameter counts as omitted, and an unknown one is ignored", async (target) => {
  const { text } = await ready(target)
  const empty = "&scope=&resource=&client_secret=&code=&refresh_token="
  await isUnspent(target, `${text}${empty}&foo=1&a[b]=c&id_token_hint=x&__proto__=y`)
})

check(
  "TOKEN-07",
  "a missing grant type is invalid_request, and every unknown one unsupported_grant_type",
  async (target) => {
    const { request, text } = await ready(target)
    const { grant_type: _, ...rest } = request
    for (const body of [new URLSearchParams(rest), new URLSearchParams({ ...rest, grant_type: "" })]) {
      expect(outcomeOf(await post(target, body.toString()))).toBe("400 invalid_request")
    }
    const keys = ["__proto__", "toString", "constructor", "hasOwnProperty", "find", "then"]
    const others = ["implicit", "AUTHORIZATION_CODE", "authorization_code ", "code", "ａuthorization_code"]
    for (const grant_type of [...keys, ...others]) {
      const body = new URLSearchParams({ ...rest, grant_type }).toString()
      expect(outcomeOf(await post(target, body)), grant_type).toBe("400 unsupported_grant_type")
    }
    await isUnspent(target, text)
  }
)

check("TOKEN-08", "the password grant does not exist, and no password is checked", async (target) => {
  const client = await target.register({ token_endpoint_auth_method: "client_secret_post" })
  const metadata = (await target.http({ path: "/.well-known/oauth-authorization-server" })).json()
  expect(metadata.grant_types_supported).not.toContain("password")
  // A correct and a wrong password get the same response.
  const answers: Array<string> = []
  for (const attempt of [password, "wrong"]) {
    const answer = await target.token(client, { grant_type: "password", username: "ada", password: attempt })
    answers.push(await outcome(answer))
  }
  expect(answers).toEqual(["400 unsupported_grant_type", "400 unsupported_grant_type"])
})

check("TOKEN-09", "a client may use only the grant types that it registered", async (target) => {
  const client = await target.register()
  expect(await outcome(target.token(client, { grant_type: "client_credentials" }))).toBe("400 unauthorized_client")
  const machine = await target.addClient()
  const held = await target.code(client)
  expect(await outcome(target.redeem(machine, held))).toBe("400 unauthorized_client")
  const refresh = { grant_type: "refresh_token", refresh_token: "lk_rt_x" }
  expect(await outcome(target.token(machine, refresh))).toBe("400 unauthorized_client")
  expect(await outcome(target.redeem(client, held))).toBe("200")
})

/** The headers of every response of the endpoint. */
const isForNobodyElse = (answer: Answer) => {
  expect(answer.header("content-type")).toBe("application/json")
  expect(answer.header("cache-control")).toBe("no-store")
  expect(answer.all("set-cookie")).toEqual([])
  expect(answer.all("location")).toEqual([])
}

check("TOKEN-10", "a token response has the members and headers of the RFC, and no others", async (target) => {
  const { text } = await ready(target)
  const answer = await post(target, text)
  isForNobodyElse(answer)
  expect(answer.json()).toEqual({
    access_token: expect.stringMatching(/^lk_at_/),
    token_type: "Bearer",
    expires_in: 600,
    scope: "notes:read notes:write",
    refresh_token: expect.stringMatching(/^lk_rt_/)
  })
})

check(
  "TOKEN-11",
  "an error response has a code and a plain description, and no internals of the server",
  async (target) => {
    const { request } = await ready(target)
    const changes: ReadonlyArray<Readonly<Record<string, string>>> = [
      { grant_type: 'x"\\\r\nSet-Cookie: a=b' },
      { grant_type: "" },
      { client_id: "nobody" },
      { client_id: "'; DROP TABLE clients; --" },
      { code: 'lk_ac_é\\"' },
      { code_verifier: "x" },
      { redirect_uri: "https://other.example/" },
      { resource: "https://other.example/" }
    ]
    for (const change of changes) {
      const answer = await post(target, new URLSearchParams({ ...request, ...change }).toString())
      isForNobodyElse(answer)
      expect([400, 401]).toContain(answer.status)
      expect(Object.keys(answer.json())).toEqual(["error", "error_description"])
      expect(answer.json().error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
      expect(answer.text).not.toMatch(/at .*\.[jt]s:|node_modules|sqlite|select |\/src\/|effect|DROP TABLE/i)
    }
  }
)

check(
  "TOKEN-12",
  "a failing store gives 503 with Retry-After for every grant type, and the token stays valid",
  async (target) => {
    const { during, storage } = outage({ clients: ["find"], grants: ["find", "redeem", "rotate"] })
    const weak = await target.another({ storage })
    const client = await weak.register()
    const machine = await weak.addClient()
    const held = await weak.code(client)
    const tokens = await weak.tokens(client)
    const requests: ReadonlyArray<() => Promise<Response>> = [
      () => weak.redeem(client, held),
      () => weak.refresh(client, tokens.refresh_token),
      () => weak.token(machine, { grant_type: "client_credentials" })
    ]
    for (const request of requests) {
      const answer = await during(request)
      expect(answer.headers.get("retry-after")).toBe("1")
      expect(await outcome(answer)).toBe("503 temporarily_unavailable")
    }
    for (const request of requests) expect(await outcome(request())).toBe("200")
  }
)

otherwise(
  "TOKEN-13",
  "ADR 33: the registered grant type decides, and offline_access is no scope of this server",
  "a client gets a refresh token only if it registered that grant type",
  async (target) => {
    const without = await target.register({ grant_types: ["authorization_code"] })
    expect(await target.tokens(without)).not.toHaveProperty("refresh_token")
    expect(await target.tokens(await target.register())).toHaveProperty("refresh_token")
  }
)

check("TOKEN-14", "an access token has only the scope and the audience that the user allowed", async (target) => {
  const client = await target.register({ token_endpoint_auth_method: "client_secret_basic" })
  const introspected = async (token: string) => (await target.ask("/introspect", client, { token })).json()
  const read = await target.tokens(client, { scope: "notes:read" })
  expect(await introspected(read.access_token)).toMatchObject({ scope: "notes:read", aud: target.resource })
  const { browser, page, verifier } = await target.toConsent(client)
  const { sentTo } = await browser.submit(page, { button: "allow", ticked: ["notes:read"] })
  const code = sentTo?.searchParams.get("code") ?? ""
  const ticked = await tokensOf(target.redeem(client, { code, verifier }))
  expect(ticked.scope).toBe("notes:read")
  expect(await introspected(ticked.access_token)).toMatchObject({ scope: "notes:read", aud: target.resource })
})

check("TOKEN-15", "no token is in a URL, a cookie, a log line or a span", async (target) => {
  const client: Client = await target.register()
  const { browser, page, verifier } = await target.toConsent(client)
  const { sentTo } = await browser.submit(page, { button: "allow" })
  const code = sentTo?.searchParams.get("code") ?? ""
  const tokens = await tokensOf(target.redeem(client, { code, verifier }))
  const next = await tokensOf(target.refresh(client, tokens.refresh_token))
  const secrets = [tokens, next].flatMap(({ access_token, refresh_token }) => [access_token, refresh_token])
  const urls = browser.seen.flatMap(({ headers, url }) => [url, headers.get("location"), headers.get("set-cookie")])
  const kept = [...urls, ...Object.values(target.observed.places())].join("\n")
  for (const secret of secrets) expect(kept.includes(secret)).toBe(false)
  expect(kept).toContain(client.client_id)
})

control("TOKEN-02", "where parameters of the query are read as those of the body", {
  mutation: {
    request: (sent) => {
      const [path = "", query = ""] = sent.path.split("?")
      return path === "/token" ? { ...sent, path, body: query || sent.body } : sent
    }
  }
})
control("TOKEN-05", "where the last of repeated parameters wins", {
  mutation: {
    request: (sent) =>
      sent.path === "/token"
        ? { ...sent, body: new URLSearchParams(Object.fromEntries(new URLSearchParams(sent.body))).toString() }
        : sent
  }
})
control("TOKEN-14", "where a person's choice of scopes is not kept", {
  resources: (origin) => [notesOf(origin)],
  mutation: {
    answer: (answer, { path }) =>
      path === "/introspect" ? { ...answer, body: answer.body.replace("notes:read", "notes:read notes:write") } : answer
  }
})
