/** The guard of an HttpApi: it answers as the guard of a route does, and OpenAPI names the token that it needs. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Username } from "../../../src/domain/Account.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as BearerAuth from "../../../src/http/guard/BearerAuth.js"
import * as BearerAuthApi from "../../../src/http/guard/BearerAuthApi.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { CurrentAccess } from "../../../src/services/tokens/CurrentAccess.js"
import { kept } from "../support/EventRows.js"
import type * as Server from "../support/Server.js"
import { outcome, type TestServer, test, tokensOf } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

class ReadNotes extends BearerAuthApi.Tag<ReadNotes>()("notes/Read", { scopes: ["notes:read"] }) {}

const Subject = Schema.Struct({ subject: Schema.String })

const api = HttpApi.make("notes").add(
  HttpApiGroup.make("notes")
    .add(HttpApiEndpoint.get("list", "/notes").addSuccess(Subject))
    .add(HttpApiEndpoint.post("write", "/notes").addSuccess(Subject))
    .add(HttpApiEndpoint.get("broken", "/notes/broken").addSuccess(Subject))
    .middleware(ReadNotes)
)

let runs = 0
const caller = Effect.map(CurrentAccess, ({ subject }) => {
  runs += 1
  return { subject }
})

const handlers = HttpApiBuilder.group(api, "notes", (handlers) =>
  handlers
    .handle("list", () => caller)
    .handle("write", () => Effect.zipRight(BearerAuth.requireScope("notes:write"), caller))
    .handle("broken", () => Effect.die("a secret of the handler"))
)

/** The same operations as routes. The API must return equal responses. */
const asRoutes = HttpLayerRouter.addAll([
  HttpLayerRouter.route(
    "GET",
    "/routes",
    Effect.map(caller, (who) => HttpServerResponse.unsafeJson(who))
  ),
  HttpLayerRouter.route(
    "POST",
    "/routes",
    Effect.zipRight(
      BearerAuth.requireScope("notes:write"),
      Effect.map(caller, (who) => HttpServerResponse.unsafeJson(who))
    )
  )
]).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

// What its handler fails with, its guard answers; the type of a layer does not say so.
// @effect-diagnostics unsafeEffectTypeAssertion:off
const routes = Layer.merge(
  HttpLayerRouter.addHttpApi(api, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide(handlers),
    Layer.provide(ReadNotes.layer),
    Layer.provide(HttpServer.layerContext)
  ),
  asRoutes
) as unknown as ReturnType<typeof Server.guarded>

const call = (server: TestServer, headers: Readonly<Record<string, string>>, path = "/notes", method = "GET") =>
  server.send(path, { method, headers })

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Returns the status, the headers and the body of a response. */
const whole = async (answer: Response) => ({
  status: answer.status,
  // Each request has an id of its own.
  headers: Object.fromEntries(
    Array.from(answer.headers, ([name, value]) => [name, name === "x-request-id" ? "an id" : value])
  ),
  body: await answer.text()
})

describe("the OpenAPI document", () => {
  const document = OpenApi.fromApi(api)

  it("the OpenAPI document has a bearer scheme for each guard, with its scope", () => {
    expect(document.components.securitySchemes).toEqual({
      notes_Read: { type: "http", scheme: "bearer", description: expect.stringContaining("`notes:read`") }
    })
    expect(document.paths["/notes"]?.get?.security).toEqual([{ notes_Read: [] }])
  })

  it("the OpenAPI document has every response of a guard", () => {
    expect(Object.keys(document.paths["/notes"]?.get?.responses ?? {})).toEqual(
      expect.arrayContaining(["200", "400", "401", "403", "500", "503"])
    )
    expect(document.paths["/notes"]?.get?.responses[401]?.description).toContain("WWW-Authenticate")
  })

  test(
    "the served OpenAPI document needs no token",
    async (server) => {
      expect((await call(server, {}, "/openapi.json")).status).toBe(200)
    },
    { routes }
  )
})

describe("a request", () => {
  test(
    "a request to an HttpApi with a valid token passes, with the scheme in any case (RFC 9110 §11.1)",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      for (const scheme of ["Bearer ", "bearer ", "BEARER  "]) {
        const answer = await call(server, { authorization: scheme + access_token })
        expect(answer.status, scheme).toBe(200)
        expect(await answer.json()).toEqual({ subject: expect.any(String) })
        expect(answer.headers.get("cache-control")).toBe("private, no-store")
        expect(answer.headers.get("vary")).toBe("Authorization")
      }
    },
    { routes }
  )

  // RS-01, RS-03, RS-06, RS-07
  test(
    "a refusal by an HttpApi equals the refusal of a guarded route, and no handler runs",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      const other = await server.tokens(await server.register(), { scope: "notes:write" })
      const refused: ReadonlyArray<readonly [number, Readonly<Record<string, string>>]> = [
        [401, {}],
        [401, { authorization: `Foobar ${access_token}` }],
        [401, { authorization: `XXXXXXX${access_token}` }],
        [401, { authorization: `Basic ${access_token}` }],
        [400, { authorization: `Bearer ${access_token} x` }],
        // Two headers, as a request of the Fetch standard joins them.
        [400, { authorization: `Bearer ${access_token}, Bearer ${access_token}` }],
        [401, bearer("x")],
        [403, bearer(other.access_token)]
      ]
      runs = 0
      for (const [status, headers] of refused) {
        const answer = await whole(await call(server, headers))
        expect(answer.status, headers.authorization).toBe(status)
        expect(answer.headers["www-authenticate"]).toContain("resource_metadata=")
        expect(answer).toEqual(await whole(await call(server, headers, "/routes")))
      }
      expect(runs).toBe(0)
    },
    { routes }
  )

  test(
    "requireScope in an HttpApi answers 403 with the whole scope, as at a guarded route",
    async (server) => {
      const { access_token } = await server.tokens(await server.register(), { scope: "notes:read" })
      runs = 0
      const answer = await whole(await call(server, bearer(access_token), "/notes", "POST"))
      expect(answer.status).toBe(403)
      expect(answer.headers["www-authenticate"]).toContain('scope="notes:read notes:write"')
      expect(answer).toEqual(await whole(await call(server, bearer(access_token), "/routes", "POST")))
      expect(runs).toBe(0)
    },
    { routes }
  )

  test(
    "concurrent requests to an HttpApi each get their own response",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => call(server, index % 2 === 0 ? bearer(access_token) : {}))
      )
      expect(answers.map(({ status }) => status)).toEqual(answers.map((_, index) => (index % 2 === 0 ? 200 : 401)))
      expect(answers.map(({ headers }) => headers.has("www-authenticate"))).toEqual(
        answers.map((_, index) => index % 2 === 1)
      )
    },
    { routes }
  )

  let fails = false
  test(
    "a valid token gets 503 and not 401 while the store does not answer",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      fails = true
      const [answer, route] = await Promise.all(
        ["/notes", "/routes"].map(async (path) => whole(await call(server, bearer(access_token), path)))
      )
      fails = false
      expect(answer?.status).toBe(503)
      expect(answer?.headers["retry-after"]).toBe("1")
      expect(answer).toEqual(route)
      expect(await outcome(call(server, bearer(access_token)))).toBe("200")
    },
    {
      routes,
      storage: Storage.changed(
        Storage.around(GrantStore, ["findActive"], (_, answer) =>
          fails ? new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" }) : answer
        )
      )
    }
  )
})

describe("an event of a handler behind the guard", () => {
  class ReadJobs extends BearerAuthApi.Tag<ReadJobs>()("jobs/Read", {
    scopes: ["notes:read"],
    principals: ["User", "Client"]
  }) {}

  const jobs = HttpApi.make("jobs").add(
    HttpApiGroup.make("jobs")
      .add(HttpApiEndpoint.post("guarded", "/jobs").addSuccess(Subject).middleware(ReadJobs))
      .add(HttpApiEndpoint.post("open", "/open").addSuccess(Subject))
  )

  let made = 0
  /** A handler that makes an account; its event carries the id of the account. */
  const work = Effect.gen(function* () {
    const username = yield* Schema.decode(Username)(`user-${++made}`)
    const created = yield* (yield* Accounts).create({ username, password: Redacted.make("correct horse battery") })
    return { subject: (yield* created).id }
  }).pipe(Effect.orDie)

  // @effect-diagnostics unsafeEffectTypeAssertion:off
  const routes = HttpLayerRouter.addHttpApi(jobs).pipe(
    Layer.provide(
      HttpApiBuilder.group(jobs, "jobs", (handlers) =>
        handlers.handle("guarded", () => work).handle("open", () => work)
      )
    ),
    Layer.provide(ReadJobs.layer),
    Layer.provide(HttpServer.layerContext)
  ) as unknown as ReturnType<typeof Server.guarded>

  /** What is stored of the origin of the event that an answer names. */
  const originOf = async (server: TestServer, answer: Response) => {
    expect(answer.status).toBe(200)
    const { subject } = (await answer.json()) as { readonly subject: string }
    return (await kept(server)).flatMap(({ actor, address, kind, requestId }) =>
      kind._tag === "AccountCreated" && kind.subject === subject ? [{ actor, address, requestId }] : []
    )
  }

  test(
    "an event of a guarded handler names the user, the client, the request and the configured address",
    async (server) => {
      const client = await server.register()
      const { access_token } = await server.tokens(client)
      const [created] = await kept(server)
      const subject = created?.kind._tag === "AccountCreated" ? created.kind.subject : undefined
      const answer = await call(server.from("203.0.113.7"), bearer(access_token), "/jobs", "POST")
      expect(await originOf(server, answer)).toEqual([
        {
          actor: { _tag: "Person", subject, clientId: client.client_id },
          address: "203.0.113.7",
          requestId: answer.headers.get("x-request-id")
        }
      ])
    },
    { routes, settings: { logAddresses: "Full" } }
  )

  test(
    "an event of a guarded handler names a client that acts for itself",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read" })
      const { access_token } = await tokensOf(
        server.token(client, { grant_type: "client_credentials", scope: "notes:read" })
      )
      const answer = await call(server, bearer(access_token), "/jobs", "POST")
      expect(await originOf(server, answer)).toMatchObject([
        { actor: { _tag: "Client", clientId: client.client_id, isAuthenticated: true } }
      ])
    },
    { routes }
  )

  test(
    "events of concurrent guarded requests name each caller's client and request",
    async (server) => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => server.register()))
      const tokens = await Promise.all(clients.map((client) => server.tokens(client)))
      const answers = await Promise.all(
        tokens.map(({ access_token }) => call(server, bearer(access_token), "/jobs", "POST"))
      )
      for (const [index, answer] of answers.entries()) {
        expect(await originOf(server, answer)).toMatchObject([
          { actor: { clientId: clients[index]?.client_id }, requestId: answer.headers.get("x-request-id") }
        ])
      }
    },
    { routes }
  )

  test(
    "an event of an unguarded handler names the server",
    async (server) => {
      const answer = await call(server, {}, "/open", "POST")
      expect(await originOf(server, answer)).toEqual([
        { actor: { _tag: "Server" }, address: undefined, requestId: undefined }
      ])
    },
    { routes }
  )
})
