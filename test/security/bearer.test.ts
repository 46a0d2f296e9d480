/** RS: the guard of a resource. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import * as Scope from "../../src/domain/Scope.js"
import * as BearerAuth from "../../src/http/guard/BearerAuth.js"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import { CurrentAccess } from "../../src/services/tokens/CurrentAccess.js"
import { guarded, tokensOf } from "../flow/support/Server.js"
import { steady } from "../support/Headers.js"
import { family } from "./support/Catalogue.js"
import { outage } from "./support/Outage.js"
import { basicOf, outcomeOf } from "./support/Outcome.js"
import { type Answer, format, type Headers } from "./support/Raw.js"
import { filesOf, twoResources } from "./support/Resources.js"
import { notesOf, type Target } from "./support/Target.js"
import { cookies } from "./support/Walk.js"

/** The Authorization header that a weakened proxy saw last. */
let remembered: readonly [string, string] | undefined

/** Number of runs of the handler of the notes. */
let runs = 0

/** The notes. Their handler counts its runs, and adds everything that it gets to its response. */
const notes = (origin: string) => {
  const handler = Effect.map(CurrentAccess, (access) => {
    runs += 1
    return HttpServerResponse.unsafeJson({ ...access, scope: Scope.format(access.scope) })
  })
  const { uri: resource } = notesOf(origin)
  const guard = (scopes: ReadonlyArray<string>) => Layer.provide(BearerAuth.layer({ resource, scopes }))
  return Layer.mergeAll(
    HttpLayerRouter.add("*", "/notes", handler).pipe(guard(["notes:read"])),
    HttpLayerRouter.add("*", "/notes/write", handler).pipe(guard(["notes:read", "notes:write"]))
  )
}

const { absent, check, control } = family({
  isStopped: true,
  resources: twoResources,
  routes: (origin) =>
    Layer.merge(notes(origin), guarded("/files", { resource: filesOf(origin).uri, scopes: ["files:read"] }))
})

const get = (target: Target, headers: Headers | Readonly<Record<string, string>>, path = "/notes") =>
  target.http({ path, headers })

const bearer = (target: Target, token: string, path?: string) => get(target, { Authorization: `Bearer ${token}` }, path)

const tokenOf = async (target: Target, parameters = {}) =>
  (await target.tokens(await target.register(), parameters)).access_token

/** The attributes of a bearer challenge. */
const challengeOf = (answer: Answer): Readonly<Record<string, string>> => {
  const [, attributes = ""] = /^Bearer (.*)$/.exec(answer.header("www-authenticate") ?? "") ?? []
  return Object.fromEntries(Array.from(attributes.matchAll(/(\w+)="([^"]*)"/g), ([, name, value]) => [name, value]))
}

/** The request is refused, and the handler is not run. */
const isRefused = async (request: () => Promise<Answer>, expected: string, name = "") => {
  const before = runs
  const answer = await request()
  expect(outcomeOf(answer), name).toBe(expected)
  expect(runs, name).toBe(before)
  return answer
}

const metadataOf = (target: Target) => `${target.origin}/.well-known/oauth-protected-resource/notes`

check(
  "RS-01",
  "a request without a token gets a challenge that names the metadata, without an error code",
  async (target) => {
    const answer = await isRefused(() => get(target, {}), "401")
    const challenge = `Bearer scope="notes:read", resource_metadata="${metadataOf(target)}"`
    expect(answer.header("www-authenticate")).toBe(challenge)
    expect(answer.json()).toEqual({})
  }
)

check("RS-02", "the scheme matches in any case, with any number of spaces after it", async (target) => {
  const token = await tokenOf(target)
  for (const scheme of ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer  ", "Bearer      "]) {
    expect(outcomeOf(await get(target, { Authorization: scheme + token })), scheme).toBe("200")
  }
})

check("RS-03", "a malformed or repeated Authorization header never reaches the handler", async (target) => {
  const token = await tokenOf(target)
  const malformed = ["", " ", "a b", "a,b", `${token} x`, `${token},x`, `"${token}"`, "a=b", "=", ";", "\xe9"]
  for (const value of malformed) {
    const answer = await isRefused(() => bearer(target, value), "400 invalid_request", value)
    expect(challengeOf(answer).error).toBe("invalid_request")
  }
  for (const Authorization of [`Bearer${token}`, token, `DPoP ${token}`, ...Object.values(basicOf(`x:${token}`))]) {
    await isRefused(() => get(target, { Authorization }), "401", Authorization)
  }
  const line = ["Authorization", `Bearer ${token}`] as const
  await isRefused(() => get(target, [line, line]), "400 invalid_request")
  await isRefused(() => get(target, [line, ["authorization", "Basic eDp4"]]), "400 invalid_request")
  await isRefused(() => bearer(target, "a".repeat(32 * 1024)), "431 invalid_request")
})

check("RS-04", "a token in the URL is not read, and not logged", async (target) => {
  const token = await tokenOf(target)
  await isRefused(() => get(target, {}, `/notes?access_token=${token}`), "401")
  for (const [place, text] of Object.entries(target.observed.places())) {
    expect(String(text).includes(token), place).toBe(false)
  }
})

check("RS-05", "a token in a form is not read", async (target) => {
  const access_token = await tokenOf(target)
  const post = (headers: Readonly<Record<string, string>>) =>
    target.http({ method: "POST", path: "/notes", headers, body: { access_token } })
  await isRefused(() => post({}), "401")
  // The guard does not read the form: it belongs to the handler.
  expect(outcomeOf(await post({ Authorization: `Bearer ${access_token}` }))).toBe("200")
})

check("RS-06", "an expired, a revoked and an invented token get the same response", async (target) => {
  const client = await target.register()
  const first = await target.tokens(client)
  await target.advance("11 minutes")
  const second = await tokensOf(target.refresh(client, first.refresh_token))
  await target.ask("/revoke", client, { token: second.access_token })
  const answers: Array<unknown> = []
  for (const token of [first.access_token, second.access_token, "x", "lk_at_x", `${second.access_token}x`]) {
    const { body, headers, status } = await isRefused(() => bearer(target, token), "401 invalid_token", token)
    answers.push({ status, body, headers: steady(headers) })
  }
  for (const answer of answers) expect(answer).toEqual(answers[0])
})

check(
  "RS-07",
  "a token with too little scope gets 403, and the challenge names all scopes that the operation needs",
  async (target) => {
    const token = await tokenOf(target, { scope: "notes:read" })
    const answer = await isRefused(() => bearer(target, token, "/notes/write"), "403 insufficient_scope")
    expect(challengeOf(answer)).toMatchObject({
      error: "insufficient_scope",
      scope: "notes:read notes:write",
      resource_metadata: metadataOf(target)
    })
    // Scopes are compared exactly: a prefix or another case is another scope.
    const alike = await target.another({
      resources: (origin) => [
        {
          ...notesOf(origin),
          scopes: { "notes:read": "Read", "notes:writ": "x", "NOTES:WRITE": "x", "notes:write": "x" }
        }
      ]
    })
    for (const scope of ["notes:read notes:writ", "notes:read NOTES:WRITE"]) {
      const near = await tokenOf(alike, { scope })
      await isRefused(() => bearer(alike, near, "/notes/write"), "403 insufficient_scope", scope)
    }
  }
)

check("RS-08", "a token is valid only at its own resource", async (target) => {
  const ofFiles = await tokenOf(target, { scope: "files:read", resource: filesOf(target.origin).uri })
  expect(outcomeOf(await bearer(target, ofFiles, "/files"))).toBe("200")
  await isRefused(() => bearer(target, ofFiles), "401 invalid_token")
  for (const uri of ["/notes/", "/notes/write", "/note", "/NOTES"]) {
    const near = await target.another({
      resources: (origin) => [notesOf(origin), { uri: origin + uri, scopes: { "near:read": "Read" } }],
      routes: notes
    })
    const token = await tokenOf(near, { scope: "near:read", resource: near.origin + uri })
    await isRefused(() => bearer(near, token), "401 invalid_token", uri)
  }
})

check("RS-09", "a token of another issuer is refused, even if both share a process and a storage", async (target) => {
  const storage = Layer.succeedContext(await target.run(Effect.scoped(Layer.build(MemoryStorage.layer))))
  const ours = await target.another({ storage })
  for (const path of ["/t2", "/T1"]) {
    const theirs = await target.another({ storage, path })
    const token = await tokenOf(theirs)
    expect(outcomeOf(await bearer(theirs, token))).toBe("200")
    await isRefused(() => bearer(ours, token), "401 invalid_token", path)
  }
})

check("RS-11", "a token or secret of another kind is refused", async (target) => {
  const client = await target.register({ token_endpoint_auth_method: "client_secret_basic" })
  const { refresh_token } = await target.tokens(client)
  const { page } = await target.toConsent(client)
  const form = page.document.querySelector("input[name=form]")?.getAttribute("value") ?? ""
  expect(form).not.toBe("")
  const { code } = await target.code(client)
  for (const token of [refresh_token, code, String(client.client_secret), form, form.replace("_fm_", "_at_")]) {
    await isRefused(() => bearer(target, token), "401 invalid_token", token)
  }
})

check("RS-16", "an access token is valid until its expiry, to the millisecond and without leeway", async (target) => {
  const token = await tokenOf(target)
  await target.advance(599_999)
  expect(outcomeOf(await bearer(target, token))).toBe("200")
  await target.advance(1)
  await isRefused(() => bearer(target, token), "401 invalid_token")
})

check("RS-17", "a token has one spelling: a change of any character makes it invalid", async (target) => {
  const token = await tokenOf(target)
  const replaced = (index: number, letter: string) => token.slice(0, index) + letter + token.slice(index + 1)
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  const others = [
    ...Array.from(token, (letter, index) => replaced(index, letter === "A" ? "B" : "A")),
    // The last character has bits that belong to no byte.
    ...Array.from(alphabet, (letter) => replaced(token.length - 1, letter)),
    ...["=", "==", ".", ".x", "A", "~", "/", "+"].map((suffix) => token + suffix),
    ...Array.from({ length: 40 }, (_, index) => token.slice(0, index * 5) + token.slice(index * 5 + 1)),
    token.replaceAll("-", "+").replaceAll("_", "/"),
    token.toUpperCase(),
    token.slice(6),
    token + token
  ].filter((other) => other !== token)
  const before = runs
  const requests = others.map((other) =>
    format(target.port, { path: "/notes", headers: { Authorization: `Bearer ${other}`, Connection: "keep-alive" } })
  )
  // Some hundred requests, many on each connection.
  for (let start = 0; start < requests.length; start += 40) {
    const some = requests.slice(start, start + 40)
    const { answers } = await target.bytes(Buffer.concat(some), { answers: some.length, patience: 20_000 })
    expect(answers.map(({ status }) => status)).toEqual(some.map(() => 401))
  }
  expect(runs).toBe(before)
  expect(outcomeOf(await bearer(target, token))).toBe("200")
})

absent("RS-20", "the guard caches nothing: a revoked token is refused at the next request", async (target) => {
  const client = await target.register()
  const { access_token } = await target.tokens(client)
  for (let i = 0; i < 3; i++) expect(outcomeOf(await bearer(target, access_token))).toBe("200")
  await target.ask("/revoke", client, { token: access_token })
  await isRefused(() => bearer(target, access_token), "401 invalid_token")
})

check("RS-21", "a guard that cannot check a token answers 503, and never 401 or 200", async (shared) => {
  const { during, storage } = outage({ grants: ["findActive"] })
  const target = await shared.another({ storage })
  const token = await tokenOf(target)
  await during(() => isRefused(() => bearer(target, token), "503 temporarily_unavailable"))
  expect(outcomeOf(await bearer(target, token))).toBe("200")
})

absent("RS-22", "no proxy mode forwards a token, and a handler does not get it", async (target) => {
  const token = await tokenOf(target)
  const answer = await bearer(target, token)
  expect(answer.status).toBe(200)
  expect(answer.text).not.toContain(token)
})

check("RS-23", "a client's own token is refused if a user's is needed", async (target) => {
  const client = await target.addClient({ scope: "notes:read" })
  const { access_token } = await tokensOf(target.token(client, { grant_type: "client_credentials" }))
  await isRefused(() => bearer(target, access_token), "403 insufficient_scope")
})

check("RS-24", "each request of a connection is checked by itself, and only the token counts", async (target) => {
  const client = await target.register()
  const { access_token } = await target.tokens(client)
  const keepAlive = (headers: Readonly<Record<string, string>>) =>
    format(target.port, { path: "/notes", headers: { ...headers, Connection: "keep-alive" } })
  const authorized = keepAlive({ Authorization: `Bearer ${access_token}` })
  const session = keepAlive({ "Mcp-Session-Id": "1", ...cookies(await target.person()) })
  const { answers } = await target.bytes(Buffer.concat([authorized, session, authorized]), { answers: 3 })
  expect(answers.map(outcomeOf)).toEqual(["200", "401", "200"])
  await target.ask("/revoke", client, { token: access_token })
  const after = await target.bytes(Buffer.concat([authorized, authorized]), { answers: 2 })
  expect(after.answers.map(outcomeOf)).toEqual(["401 invalid_token", "401 invalid_token"])
})

check("RS-25", "no token is in a log line, a span or a metric, whatever fails", async (target) => {
  const token = await tokenOf(target)
  const canaries = [token, "canary-bearer-token", `${token}x`]
  for (const canary of canaries) {
    await bearer(target, canary)
    await bearer(target, canary, "/notes/write")
    await bearer(target, `${canary} x`)
  }
  const places = target.observed.places()
  expect(String(places.log)).toContain("InvalidToken")
  for (const [place, text] of Object.entries(places)) {
    for (const canary of canaries) expect(String(text).includes(canary), place).toBe(false)
  }
})

check("RS-26", "a guarded response is not stored by shared caches", async (target) => {
  const answer = await bearer(target, await tokenOf(target))
  expect(answer.header("cache-control")).toBe("private, no-store")
  expect(answer.header("vary")).toBe("Authorization")
})

const unguarded = () => {
  const handler = Effect.sync(() => {
    runs += 1
    return HttpServerResponse.unsafeJson({})
  })
  return HttpLayerRouter.add("*", "/notes", handler)
}

control("RS-01", "if the route has no guard", { routes: unguarded as () => ReturnType<typeof guarded> })
control("RS-24", "if a proxy in front of the server remembers the token of a session", {
  mutation: {
    request: (sent) => {
      const own = sent.headers.find(([name]) => name === "Authorization")
      remembered = own ?? remembered
      return own === undefined && sent.path === "/notes" && remembered !== undefined
        ? { ...sent, headers: [...sent.headers, remembered] }
        : sent
    }
  }
})
