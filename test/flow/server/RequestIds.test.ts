/** One id for each request: in its response, in its log lines, in its events, and on its error page. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Identifier from "../../../src/domain/Identifier.js"
import * as BearerAuth from "../../../src/http/guard/BearerAuth.js"
import { kept } from "../support/EventRows.js"
import { issuer, type TestServer, test, tokensOf } from "../support/Server.js"

const header = "x-request-id"

/** A logger that keeps each line with its annotations. */
const keeping = () => {
  const lines: Array<{ readonly message: string; readonly annotations: Readonly<Record<string, unknown>> }> = []
  const logger = Logger.map(Logger.jsonLogger, (line) => void lines.push(JSON.parse(line)))
  return { lines, logger }
}

const idOf = (answer: Response) => answer.headers.get(header) ?? "no id"

describe("a response", () => {
  const requests: ReadonlyArray<readonly [string, (server: TestServer) => Promise<Response>]> = [
    ["a page", (server) => server.send("/login")],
    ["a redirect to a page", (server) => server.post("/authorize", {})],
    ["metadata", (server) => server.send("/.well-known/oauth-authorization-server")],
    ["a probe", (server) => server.send("/health")],
    ["a refusal of the token endpoint", (server) => server.post("/token", {})],
    ["a method that is not allowed", (server) => server.send("/token", { method: "DELETE" })],
    ["a preflight", (server) => server.send("/token", { method: "OPTIONS" })],
    ["a guard's challenge", (server) => server.call(undefined)],
    ["the admin API", (server) => server.send("/api/admin/events")],
    ["a method that the API does not have", (server) => server.send("/api/admin/events", { method: "PUT" })]
  ]
  for (const [name, request] of requests) {
    test(
      `the response of ${name} has an id, and each request has another one`,
      async (server) => {
        const [one, other] = [idOf(await request(server)), idOf(await request(server))]
        expect(one).toMatch(Identifier.pattern)
        expect(other).toMatch(Identifier.pattern)
        expect(other).not.toBe(one)
      },
      { api: true }
    )
  }

  test("scripts of other origins may read the id of a response", async (server) => {
    for (const answer of [await server.post("/token", {}), await server.call(undefined)]) {
      expect(answer.headers.get("access-control-expose-headers")).toContain("X-Request-Id")
    }
  })

  test(
    "the response of a guarded route has an id, and keeps an id that the app set",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      expect(idOf(await server.call(access_token))).toMatch(Identifier.pattern)
      expect(idOf(await server.call(access_token, `${issuer}/own`))).toBe("of-the-app")
    },
    {
      routes: Layer.merge(
        HttpLayerRouter.add("GET", "/notes", HttpServerResponse.text("notes")),
        HttpLayerRouter.add("GET", "/own", HttpServerResponse.text("own", { headers: { [header]: "of-the-app" } }))
      ).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))
    }
  )
})

describe("the id of a request", () => {
  const told = keeping()
  test(
    "the id of a request is in all its log lines, and in no line of another request",
    async (server) => {
      const client = await server.register()
      told.lines.length = 0
      const refused = idOf(await server.token(client, { grant_type: "refresh_token", refresh_token: "lk_rt_x" }))
      const others = told.lines.length
      const next = idOf(await server.post("/token", {}))
      expect(others).toBeGreaterThan(0)
      expect(told.lines.slice(0, others).map(({ annotations }) => annotations.requestId)).toEqual(
        told.lines.slice(0, others).map(() => refused)
      )
      expect(told.lines.slice(others).map(({ annotations }) => annotations.requestId)).toEqual(
        told.lines.slice(others).map(() => next)
      )
    },
    { logger: told.logger }
  )

  const page = keeping()
  test(
    "an error page shows the id of the request",
    async (server) => {
      const answer = await server.send("/authorize?client_id=nobody")
      expect(await answer.text()).toContain(idOf(answer))
      const refusals = page.lines.filter(({ message }) => message === "authorization request refused")
      expect(refusals.map(({ annotations }) => annotations.requestId)).toEqual([idOf(answer)])
    },
    { logger: page.logger }
  )

  test("events store the id of their request", async (server) => {
    const client = await server.register()
    const answer = await server.redeem(client, await server.code(client))
    const id = idOf(answer)
    await tokensOf(answer)
    const events = (await kept(server)).filter(({ requestId }) => requestId === id)
    expect(events.map(({ kind }) => kind._tag)).toEqual(["Redeemed"])
  })

  const inHandler = keeping()
  test(
    "the log lines of a guarded handler have the id of the request",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      const answer = await server.call(access_token)
      const lines = inHandler.lines.filter(({ message }) => message === "in the handler")
      expect(lines.map(({ annotations }) => annotations.requestId)).toEqual([idOf(answer)])
    },
    {
      logger: inHandler.logger,
      routes: HttpLayerRouter.add(
        "GET",
        "/notes",
        Effect.as(Effect.logInfo("in the handler"), HttpServerResponse.text("notes"))
      ).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))
    }
  )
})

describe("an X-Request-Id", () => {
  const settings = { settings: { trustedProxies: ["10.0.0.0/8"] } }
  const send = async (server: TestServer, peer: string | undefined, id: string) => {
    const from = peer === undefined ? server : server.from(peer)
    return idOf(await from.send("/health", { headers: { [header]: id } }))
  }

  for (const id of [
    "4f6c2a0e-9d3b-4c1e-8f57-0b1d2c3e4f5a",
    "d41d8cd98f00b204e9800998ecf8427e",
    "7F01:1F_0003+=/",
    "x".repeat(200)
  ]) {
    test(
      `the X-Request-Id of a trusted proxy is kept: ${id.slice(0, 40)}`,
      async (server) => {
        expect(await send(server, "10.1.2.3", id)).toBe(id)
      },
      settings
    )
  }

  for (const id of [
    "",
    "x".repeat(201),
    "two words",
    "a,b",
    "<script>",
    "ünïcode".normalize("NFC"),
    "lk_at_abcdef",
    'a"b'
  ]) {
    test(
      `a malformed X-Request-Id of a trusted proxy is replaced: ${JSON.stringify(id.slice(0, 40))}`,
      async (server) => {
        expect(await send(server, "10.1.2.3", id)).toMatch(Identifier.pattern)
      },
      settings
    )
  }

  for (const peer of ["192.0.2.1", "2001:db8::1", undefined]) {
    test(
      `the X-Request-Id of ${peer ?? "an unknown peer"} is replaced`,
      async (server) => {
        expect(await send(server, peer, "4f6c2a0e-9d3b-4c1e-8f57-0b1d2c3e4f5a")).toMatch(Identifier.pattern)
      },
      settings
    )
  }

  test("an X-Request-Id is replaced if no proxy is trusted", async (server) => {
    expect(await send(server, "127.0.0.1", "4f6c2a0e-9d3b-4c1e-8f57-0b1d2c3e4f5a")).toMatch(Identifier.pattern)
  })
})
