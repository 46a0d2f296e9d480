/** The server without a socket: its address comes from the caller, and the log contains no URL. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { afterEach, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { TemporarilyUnavailable } from "../../src/domain/OAuthError.js"
import { ResourceIndicator } from "../../src/domain/Resource.js"
import * as BearerAuth from "../../src/http/guard/BearerAuth.js"
import * as AuthLayer from "../../src/layers/AuthLayer.js"
import { makeGuard } from "../../src/layers/Guard.js"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import * as SqliteStorage from "../../src/layers/SqliteStorage.js"
import * as WebHandler from "../../src/layers/WebHandler.js"
import { ResourceRegistration } from "../../src/services/resources/ResourceRegistration.js"
import { Storage } from "../../src/services/stores/Storage.js"
import { temporaryFile } from "./temporaryFile.js"

const issuer = "http://127.0.0.1:9400"
const settings = { issuer, resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } }] }

const address = HttpLayerRouter.add(
  "GET",
  "/address",
  Effect.map(HttpServerRequest.HttpServerRequest, ({ remoteAddress }) =>
    HttpServerResponse.text(Option.getOrElse(remoteAddress, () => "unknown"))
  )
)

const notes = HttpLayerRouter.add("GET", "/notes", HttpServerResponse.text("notes")).pipe(
  Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))
)

const lines: Array<string> = []
const logged = Layer.merge(
  Logger.replace(
    Logger.defaultLogger,
    Logger.map(Logger.jsonLogger, (line) => void lines.push(line))
  ),
  Logger.minimumLogLevel(LogLevel.All)
)

const auth = WebHandler.make(
  settings,
  MemoryStorage.layer,
  Layer.merge(address, notes).pipe(Layer.provideMerge(logged))
)
afterEach(() => void lines.splice(0))

const get = (path: string, connection?: WebHandler.Connection) =>
  auth.handler(new Request(`${issuer}${path}`), connection)

it("the handler takes the client's address from its argument, never from the request", async () => {
  expect(await (await get("/address", { remoteAddress: "203.0.113.7" })).text()).toBe("203.0.113.7")
  const forwarded = new Request(`${issuer}/address`, { headers: { "x-forwarded-for": "203.0.113.8" } })
  expect(await (await auth.handler(forwarded)).text()).toBe("unknown")
})

it("the handler serves the routes of the app, and paths match exactly", async () => {
  expect((await get("/notes")).headers.get("www-authenticate")).toContain('scope="notes:read"')
  for (const path of ["/NOTES", "/notes/", "//notes", "/nowhere"]) expect((await get(path)).status, path).toBe(404)
})

it("an unknown path gets a page for a browser and JSON for a program", async () => {
  const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
  const program = "application/json, text/event-stream"
  for (const path of ["/nowhere", "/NOTES", "/authorize/", "/%3Cscript%3E", "/token/x"]) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const ask = (accept?: string) =>
        auth.handler(new Request(`${issuer}${path}`, { method, headers: accept === undefined ? {} : { accept } }))
      const page = await ask(browser)
      expect([page.status, page.headers.get("content-type")], path).toEqual([404, "text/html; charset=utf-8"])
      expect(page.headers.get("content-security-policy")).toContain("default-src 'none'")
      const html = await page.text()
      expect(html).toContain("<h1>There is no page here</h1>")
      expect(html).toContain('href="/"')
      expect(html).not.toContain("%3C")
      for (const accept of [undefined, "*/*", program]) {
        const answer = await ask(accept)
        expect([answer.status, answer.headers.get("content-type")], path).toEqual([404, "application/json"])
        expect(await answer.json()).toMatchObject({ error: "not_found", error_description: expect.any(String) })
      }
    }
  }
})

it("the log contains no URL (RFC 6819 §4.4.1.1)", async () => {
  for (const path of ["/nowhere", "/notes", "/authorize"]) await get(`${path}?code=a-secret&access_token=a-secret`)
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.join("\n")).not.toContain("a-secret")
})

it.each([
  ["/token", "application/x-www-form-urlencoded", "text"],
  ["/token", "application/x-www-form-urlencoded", "formData"],
  ["/register", "application/json", "json"],
  ["/revoke", "application/x-www-form-urlencoded", "arrayBuffer"],
  ["/introspect", "application/x-www-form-urlencoded", "blob"],
  ["/authorize", "application/x-www-form-urlencoded", "stream"]
] as const)(
  "answers 500 on %s for a body (%s) that the app read before by %s, and logs why",
  async (path, type, reader) => {
    const body = type === "application/json" ? "{}" : "grant_type=refresh_token"
    const request = new Request(`${issuer}${path}`, { method: "POST", headers: { "content-type": type }, body })
    if (reader === "stream") request.body?.getReader()
    else await request[reader]()
    const answer = await auth.handler(request)
    expect(answer.status).toBe(500)
    const [incident = "no incident"] = /\b[0-9a-z]{26}\b/.exec(await answer.text()) ?? []
    const loud = lines.filter((line) => !/"logLevel":"(TRACE|DEBUG|INFO)"/.test(line))
    expect(loud).toHaveLength(1)
    expect(loud[0]).toContain(incident)
    expect(loud[0]).toContain("the body of the request was read before the request reached Latchkey")
  }
)

it("a guard of the handler answers exactly as the guard of a route", async () => {
  const request = new Request(`${issuer}/notes`, { headers: { authorization: "Bearer x" } })
  const { response } = await auth.guard({ scopes: ["notes:read"] })(request)
  const route = await auth.handler(request)
  expect(response?.status).toBe(route.status)
  expect(await response?.text()).toBe(await route.text())
  expect(Object.fromEntries(response?.headers ?? [])).toEqual(Object.fromEntries(route.headers))
})

it("a handler and a guard start again after a failed start", async () => {
  const opened = { count: 0, closed: 0 }
  const late = Layer.unwrapScoped(
    Effect.gen(function* () {
      yield* Effect.acquireRelease(
        Effect.sync(() => opened.count++),
        () => Effect.sync(() => opened.closed++)
      )
      return opened.count % 2 === 1
        ? yield* new TemporarilyUnavailable({ reason: "StoreBusy", description: "the database does not answer yet" })
        : MemoryStorage.layer
    })
  )
  const handler = WebHandler.make(settings, late)
  const notes = handler.guard({ scopes: ["notes:read"] })
  // Requests that come at the same time wait for one start.
  const first = await Promise.allSettled([handler.ready(), notes(new Request(`${issuer}/notes`))])
  expect(first.map(({ status }) => status)).toEqual(["rejected", "rejected"])
  expect(opened).toEqual({ count: 1, closed: 1 })
  expect((await handler.handler(new Request(`${issuer}/health`))).status).toBe(200)
  expect((await notes(new Request(`${issuer}/notes`))).response?.status).toBe(401)
  await handler.dispose()
  expect(opened).toEqual({ count: 2, closed: 2 })

  const guard = makeGuard({ ...settings, scopes: ["notes:read"] }, late)
  await expect(guard(new Request(`${issuer}/notes`))).rejects.toThrow(/does not answer yet/)
  expect((await guard(new Request(`${issuer}/notes`))).response?.status).toBe(401)
  await guard.dispose()
  expect(opened).toEqual({ count: 4, closed: 4 })
})

it("eleven handlers in one process share a SQLite file, as a development server makes one at each change", async () => {
  await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const storage = SqliteStorage.layer({ filename: yield* temporaryFile })
        const handlers = Array.from({ length: 11 }, () => WebHandler.make(settings, storage))
        const ask = (index: number, path: string, init?: RequestInit) =>
          Effect.promise(async () => handlers[index]?.handler(new Request(`${issuer}${path}`, init)))
        for (const index of handlers.keys()) expect((yield* ask(index, "/ready"))?.status).toBe(200)

        const registered = yield* ask(0, "/register", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ redirect_uris: ["http://127.0.0.1:7777/cb"], token_endpoint_auth_method: "none" })
        })
        const { client_id } = (yield* Effect.promise(async () => registered?.json())) as { readonly client_id: string }
        yield* Effect.promise(() => Promise.all(handlers.slice(0, 10).map((handler) => handler.dispose())))

        const request = new URLSearchParams({
          response_type: "code",
          client_id,
          redirect_uri: "http://127.0.0.1:7777/cb",
          resource: `${issuer}/notes`,
          code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
          code_challenge_method: "S256"
        })
        const page = yield* ask(10, `/authorize?${request}`)
        expect(yield* Effect.promise(async () => page?.text())).toContain("<h1>Log in</h1>")
        for (const path of ["/health", "/ready"]) expect((yield* ask(10, path))?.status, path).toBe(200)
        yield* Effect.promise(async () => handlers[10]?.dispose())
      })
    )
  )
})

it("a guard alone finds a resource that the storage has, and without `resource` the only one", async () => {
  const kept = await Effect.runPromise(Effect.provide(Storage, MemoryStorage.layer))
  const storage = Layer.succeed(Storage, kept)
  const archive = { uri: `${issuer}/archive`, scopes: { "archive:read": "Read the archive" } }
  const guards = {
    named: makeGuard({ issuer, resource: archive.uri, scopes: ["archive:read"] }, storage),
    unnamed: makeGuard({ issuer, scopes: ["archive:read"] }, storage),
    misspelt: makeGuard({ ...settings, resource: `${issuer}/note`, scopes: [] }, storage),
    unknown: makeGuard({ ...settings, resource: "https://other.example/", scopes: [] }, storage),
    several: makeGuard({ issuer, resources: [...settings.resources, archive], scopes: [] }, storage)
  }
  const call = (guard: keyof typeof guards) => guards[guard]({ headers: {} })

  // Nothing has the resource yet; the error names it, what there is, and the options that mend it.
  await expect(call("named")).rejects.toThrow(
    `makeGuard with the scopes ["archive:read"] guards ${archive.uri}, which does not exist. The settings and the storage have no resource. Set the option \`resource\` to one that exists, or declare it in the option \`resources\``
  )
  await expect(call("unnamed")).rejects.toThrow(/does not say which resource it guards.*`resource`.*`resources`/)
  await expect(call("misspelt")).rejects.toThrow(`have ${issuer}/notes. Did you mean ${issuer}/notes?`)
  await expect(call("unknown")).rejects.toThrow(/^(?!.*Did you mean).*127\.0\.0\.1:9400\/notes/)
  await expect(call("several")).rejects.toThrow(`${issuer}/notes, ${archive.uri}. Name one of them in the option`)

  // The operator makes it: the next call works, without a restart, once the reading of the storage is a second old.
  const created = Effect.flatMap(ResourceRegistration, (resources) =>
    resources.register({ uri: ResourceIndicator.make(archive.uri), scopes: archive.scopes, introspects: false })
  )
  await Effect.runPromise(
    Effect.provide(created, Layer.provide(AuthLayer.layerServices({ issuer, resources: [] }), storage))
  )
  await expect.poll(() => call("named").then(({ response }) => response?.status, String), { timeout: 5000 }).toBe(401)
  const challenge = () =>
    call("unnamed").then(({ response }) => response?.headers.get("www-authenticate") ?? "", String)
  await expect.poll(challenge, { timeout: 5000 }).toContain("/.well-known/oauth-protected-resource/archive")
  await Promise.all(Object.values(guards).map((guard) => guard.dispose()))
})

it("wrong settings reject ready() and the calls of a guard", async () => {
  const wrong = WebHandler.make({ ...settings, issuer: "http://example.com" }, MemoryStorage.layer)
  await expect(wrong.ready()).rejects.toThrow(/issuer/)
  await wrong.dispose()
  const guard = makeGuard({ ...settings, scopes: [], resource: "notes" }, MemoryStorage.layer)
  await expect(guard({ headers: {} })).rejects.toThrow(/not the URL of a resource/)
  await guard.dispose()
})

it("a guard function takes a frozen request", async () => {
  const guard = makeGuard({ ...settings, scopes: ["notes:read"] }, MemoryStorage.layer)
  const { response } = await guard(Object.freeze({ headers: Object.freeze({}) }))
  expect(response?.status).toBe(401)
  await guard.dispose()
})
