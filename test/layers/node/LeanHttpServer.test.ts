/** The lean server behaves as the platform's own: one app is served by both, and each rule compares what clients see. */
import * as Http from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as DirectRoutes from "../../../src/http/wire/DirectRoutes.js"
import type * as FoundRoutes from "../../../src/http/wire/FoundRoutes.js"
import * as AuthLayer from "../../../src/layers/AuthLayer.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as NodeServer from "../../../src/layers/NodeServer.js"
import * as LeanHttpServer from "../../../src/layers/node/LeanHttpServer.js"
import { freePort } from "../../support/Cli.js"
import * as Raw from "../../support/RawConnection.js"

/** What the handlers of one app have noted. */
type Notes = Array<string>

const encoder = new TextEncoder()

const note = (notes: Notes, line: string) => Effect.sync(() => void notes.push(line))

/** The routes of an app: each answers in another way. */
const routes = (notes: Notes) =>
  HttpLayerRouter.addAll([
    HttpLayerRouter.route("GET", "/text", HttpServerResponse.text("here")),
    HttpLayerRouter.route("GET", "/bytes", HttpServerResponse.uint8Array(encoder.encode("bytes"))),
    HttpLayerRouter.route("GET", "/raw", Effect.succeed(HttpServerResponse.raw("raw text", { status: 202 }))),
    HttpLayerRouter.route("GET", "/empty", HttpServerResponse.empty()),
    HttpLayerRouter.route(
      "GET",
      "/cookies",
      Effect.succeed(
        HttpServerResponse.text("cookies", { headers: { "set-cookie": "own=1" } }).pipe(
          HttpServerResponse.unsafeSetCookie("a", "1", { httpOnly: true }),
          HttpServerResponse.unsafeSetCookie("b", "2", { path: "/" })
        )
      )
    ),
    HttpLayerRouter.route("GET", "/bad-header", HttpServerResponse.text("x", { headers: { "x-bad": "a\nb" } })),
    HttpLayerRouter.route(
      "GET",
      "/events",
      Effect.succeed(
        HttpServerResponse.stream(
          Stream.ensuring(
            Stream.concat(Stream.make(encoder.encode("data: 1\n\n")), Stream.never),
            note(notes, "stream ended")
          ),
          { contentType: "text/event-stream" }
        )
      )
    ),
    HttpLayerRouter.route(
      "GET",
      "/stream",
      Effect.succeed(HttpServerResponse.stream(Stream.map(Stream.range(1, 1_000), (n) => encoder.encode(`${n}\n`))))
    ),
    HttpLayerRouter.route(
      "GET",
      "/broken-stream",
      Effect.succeed(
        HttpServerResponse.stream(Stream.concat(Stream.make(encoder.encode("first")), Stream.die("broken")))
      )
    ),
    HttpLayerRouter.route(
      "GET",
      "/form-data",
      Effect.sync(() => {
        const form = new FormData()
        form.set("name", "value")
        return HttpServerResponse.formData(form)
      })
    ),
    HttpLayerRouter.route("GET", "/defect", Effect.die("a defect")),
    HttpLayerRouter.route(
      "GET",
      "/finalizer",
      Effect.as(
        Effect.addFinalizer((exit) => note(notes, `finalizer after ${exit._tag}`)),
        HttpServerResponse.text("finalized")
      )
    ),
    HttpLayerRouter.route(
      "GET",
      "/pre-response",
      Effect.as(
        HttpApp.appendPreResponseHandler((_, response) =>
          Effect.succeed(HttpServerResponse.setHeader(response, "x-added", "yes"))
        ),
        HttpServerResponse.text("prepared")
      )
    ),
    HttpLayerRouter.route(
      "GET",
      "/never",
      Effect.onInterrupt(Effect.zipRight(note(notes, "waiting"), Effect.never), () => note(notes, "interrupted"))
    ),
    HttpLayerRouter.route(
      "POST",
      "/echo",
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        Effect.map(request.text, (text) => HttpServerResponse.text(`${request.method} ${request.url} ${text}`))
      )
    ),
    HttpLayerRouter.route(
      "POST",
      "/json",
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ json }) =>
        Effect.match(json, {
          onFailure: () => HttpServerResponse.empty({ status: 400 }),
          onSuccess: (value) => HttpServerResponse.unsafeJson({ value })
        })
      )
    ),
    HttpLayerRouter.route(
      "POST",
      "/upload",
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ stream }) =>
        Effect.map(
          Stream.runFold(stream, 0, (sum, chunk) => sum + chunk.length),
          (bytes) => HttpServerResponse.unsafeJson({ bytes })
        )
      )
    ),
    HttpLayerRouter.route(
      "POST",
      "/multipart",
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ multipart }) =>
        Effect.map(multipart, (parts) => HttpServerResponse.unsafeJson({ names: Object.keys(parts) }))
      )
    ),
    HttpLayerRouter.route(
      "POST",
      "/node",
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        // As an app that hands the request to a library for node:http.
        Effect.async<HttpServerResponse.HttpServerResponse>((resume) => {
          const response = NodeHttpServerRequest.toServerResponse(request)
          NodeHttpServerRequest.toIncomingMessage(request).pipe(response.writeHead(200, { "x-by": "node" }))
          response.once("finish", () => resume(Effect.succeed(HttpServerResponse.empty())))
        })
      )
    ),
    HttpLayerRouter.route(
      "GET",
      "/socket",
      Effect.gen(function* () {
        const socket = yield* Effect.orDie((yield* HttpServerRequest.HttpServerRequest).upgrade)
        const write = yield* socket.writer
        yield* Effect.ignore(socket.run((bytes) => write(bytes)))
        return HttpServerResponse.empty()
      })
    )
  ])

interface Served {
  readonly port: number
  readonly notes: Notes
  readonly close: () => Promise<void>
}

type Serving = (
  server: Http.Server,
  port: number,
  ownOf: () => LeanHttpServer.Own
) => ReturnType<typeof NodeHttpServer.layer>

const serve = async (serving: Serving, server = Http.createServer()): Promise<Served> => {
  const port = await freePort()
  const notes: Notes = []
  const scope = Effect.runSync(Scope.make())
  let found: FoundRoutes.FoundRoutes | undefined
  const known = Layer.effectDiscard(
    Effect.map(HttpLayerRouter.HttpRouter, (router) => {
      found = DirectRoutes.foundOf(router)
    })
  )
  const watched = Layer.merge(routes(notes), known).pipe(Layer.provide(DirectRoutes.layer()))
  const ownOf = () => ({ direct: () => undefined, found, clock: undefined, addServices: () => {} })
  const app = HttpLayerRouter.serve(watched, { disableLogger: true, disableListenLog: true }).pipe(
    HttpMiddleware.withTracerDisabledWhen(() => true),
    Layer.provide(serving(server, port, ownOf)),
    Layer.provide(Logger.remove(Logger.defaultLogger))
  )
  await Effect.runPromise(Layer.buildWithScope(app, scope))
  const close = async () => {
    server.closeAllConnections()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
  return { port, notes, close }
}

const leanly: Serving = (server, port, ownOf) => LeanHttpServer.layer(server, { host: "127.0.0.1", port }, ownOf)

let standard: Served
let lean: Served
beforeAll(async () => {
  standard = await serve((server, port) => NodeHttpServer.layer(() => server, { host: "127.0.0.1", port }))
  lean = await serve(leanly)
})
afterAll(() => Promise.all([standard.close(), lean.close()]))

/**
 * Runs a client against both servers, and expects that it sees the same. It runs twice against the lean one, which remembers the
 * routes of its first requests. Returns what it saw.
 */
const onBoth = async <A>(client: (served: Served) => Promise<A>): Promise<A> => {
  const [expected, seen, again] = [await client(standard), await client(lean), await client(lean)]
  expect(seen).toEqual(expected)
  expect(again).toEqual(expected)
  return seen
}

/** What a client sees of an answer. The boundary of a form is random. */
const seen = async (response: Response) => ({
  status: response.status,
  headers: Array.from(response.headers)
    .filter(([name]) => name !== "date")
    .map(([name, value]) => `${name}: ${value.replace(/boundary=.*/, "boundary=…")}`),
  body: (await response.text().catch(() => "broken off")).replace(/-+formdata-undici-\d+/g, "…")
})

const ask =
  (path: string, init: RequestInit = {}) =>
  ({ port }: Served) =>
    fetch(`http://127.0.0.1:${port}${path}`, init).then(seen)

const until = async (isDone: () => boolean): Promise<void> => {
  for (let i = 0; i < 400 && !isDone(); i++) await sleep(5)
  expect(isDone()).toBe(true)
}

describe("an answer", () => {
  it.each([
    ["of text", "/text"],
    ["of bytes", "/bytes"],
    ["of raw text, with its own status", "/raw"],
    ["without a body", "/empty"],
    ["with several cookies", "/cookies"],
    ["with a header that Node refuses", "/bad-header"],
    ["of a long stream", "/stream"],
    ["of a stream that breaks off", "/broken-stream"],
    ["of a form", "/form-data"],
    ["of a handler with a defect", "/defect"],
    ["that a handler prepares before it is sent", "/pre-response"],
    ["at an unknown path", "/unknown"]
  ])("an answer %s is the same on both servers, by GET and by HEAD", async (_, path) => {
    await onBoth(ask(path))
    await onBoth(ask(path, { method: "HEAD" }))
  })

  it("requests in one packet are answered in their order", async () => {
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    await onBoth(async ({ port }) => {
      const connection = await Raw.connect(port)
      connection.write(["/text", "/unknown", "/bytes"].map(get).join(""))
      const answers = (await connection.until("bytes")).replace(/^date: .*$/gim, "")
      connection.reset()
      return answers.match(/HTTP.*|here|bytes/g)
    })
  })

  it("a request is answered, although the rest of its packet is malformed", async () => {
    const guarded = await serve(leanly, NodeServer.createServer())
    const connection = await Raw.connect(guarded.port)
    connection.write("GET /text HTTP/1.1\r\nHost: localhost\r\n\r\nnonsense\r\n\r\n")
    expect(await connection.closed()).toMatch(/^HTTP\/1\.1 200 OK.*here/s)
    await guarded.close()
  })

  it("the finalizers of a request run once, after its answer", async () => {
    await onBoth(async (served) => {
      const answer = await ask("/finalizer")(served)
      await until(() => served.notes.length > 0)
      return [answer, served.notes.splice(0)]
    })
  })
})

describe("a body", () => {
  it("a body is read as text, and is empty where none was sent", async () => {
    const { body } = await onBoth(ask("/echo?a=b", { method: "POST", body: "some text" }))
    expect(body).toBe("POST /echo?a=b some text")
    await onBoth(ask("/echo", { method: "POST" }))
  })

  it("a body is read as JSON, and a text that is not JSON is a failure", async () => {
    expect((await onBoth(ask("/json", { method: "POST", body: '{"a":1}' }))).body).toBe('{"value":{"a":1}}')
    expect((await onBoth(ask("/json", { method: "POST", body: "{" }))).status).toBe(400)
  })

  it("an upload of 50 MB is read as a stream", async () => {
    const chunk = new Uint8Array(1_000_000)
    const { body } = await onBoth((served) => {
      const stream = new ReadableStream({
        start: (controller) => {
          for (let i = 0; i < 50; i++) controller.enqueue(chunk)
          controller.close()
        }
      })
      return ask("/upload", { method: "POST", body: stream, duplex: "half" } as RequestInit)(served)
    })
    expect(body).toBe('{"bytes":50000000}')
  })

  it("a multipart form is read", async () => {
    const form = new FormData()
    form.set("name", "value")
    form.set("file", new Blob(["content"]), "file.txt")
    expect((await onBoth(ask("/multipart", { method: "POST", body: form }))).body).toBe('{"names":["name","file"]}')
  })

  it("an app may hand the request and the response of node:http to other code", async () => {
    const answer = await onBoth(ask("/node", { method: "POST", body: "through" }))
    expect(answer).toMatchObject({ status: 200, body: "through" })
  })
})

describe("a client that goes away", () => {
  it("a handler is interrupted when its client goes away", async () => {
    await onBoth(async (served) => {
      const controller = new AbortController()
      const answer = fetch(`http://127.0.0.1:${served.port}/never`, { signal: controller.signal }).catch(
        () => "aborted"
      )
      await until(() => served.notes.includes("waiting"))
      controller.abort()
      await until(() => served.notes.length === 2)
      return [await answer, served.notes.splice(0)]
    })
  })

  it("an event stream is sent as it is made, and ends when its client goes away", async () => {
    await onBoth(async (served) => {
      const controller = new AbortController()
      const response = await fetch(`http://127.0.0.1:${served.port}/events`, { signal: controller.signal })
      const first = await response.body?.getReader().read()
      controller.abort()
      await until(() => served.notes.length > 0)
      return [new TextDecoder().decode(first?.value), served.notes.splice(0)]
    })
  })
})

/** Opens a WebSocket, says something, and returns what comes back. */
const echoed = async ({ port }: Pick<Served, "port">): Promise<string> => {
  const connection = await Raw.connect(port)
  connection.write(Raw.request("GET /socket", Raw.webSocket))
  const head = await connection.until("\r\n\r\n")
  connection.write(Raw.frame("hello"))
  await connection.until("\x05hello")
  connection.reset()
  return head.split("\r\n", 1)[0] ?? ""
}

it("a WebSocket is opened and echoes", async () => {
  expect(await onBoth(echoed)).toBe("HTTP/1.1 101 Switching Protocols")
})

it("streams, uploads and WebSockets of an app work beside an authorization server", async () => {
  const port = await freePort()
  const notes: Notes = []
  const scope = Effect.runSync(Scope.make())
  const app = Layer.mergeAll(
    routes(notes),
    AuthLayer.layer({ issuer: `http://127.0.0.1:${port}`, resources: [] })
  ).pipe(Layer.provide(MemoryStorage.layer))
  await Effect.runPromise(
    Layer.buildWithScope(NodeServer.serve(app, { host: "127.0.0.1", port, logAddress: false }), scope)
  )
  const served: Served = { port, notes, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
  expect(JSON.parse((await ask("/.well-known/oauth-authorization-server")(served)).body)).toMatchObject({
    issuer: `http://127.0.0.1:${port}`
  })
  expect((await ask("/upload", { method: "POST", body: new Uint8Array(50_000_000) })(served)).body).toBe(
    '{"bytes":50000000}'
  )
  const controller = new AbortController()
  const events = await fetch(`http://127.0.0.1:${port}/events`, { signal: controller.signal })
  expect(new TextDecoder().decode((await events.body?.getReader().read())?.value)).toBe("data: 1\n\n")
  controller.abort()
  expect(await echoed(served)).toBe("HTTP/1.1 101 Switching Protocols")
  await served.close()
})

class Greeting extends Context.Tag("test/Greeting")<Greeting, string>() {}
class Name extends Context.Tag("test/Name")<Name, string>() {}

/** A handler that is answered before the router. */
const direct = (begun: Partial<DirectRoutes.Begun> | "a defect"): DirectRoutes.Handler => ({
  services: Context.make(Greeting, "hello"),
  clock: Object.assign(Object.create(Clock.make()), { currentTimeMillis: Effect.succeed(5) }),
  begin: () => {
    if (begun === "a defect") throw new Error("a defect")
    return {
      answer: Effect.succeed(HttpServerResponse.text("direct")),
      end: () => [["x-end", "yes"]],
      addServices: (services) => services.set(Name.key, "Ann"),
      annotations: { request: "one" },
      ...begun
    }
  }
})

type DirectEffect = DirectRoutes.Begun["answer"]

const annotated = Effect.map(FiberRef.get(FiberRef.currentLogAnnotations), (annotations) =>
  HttpServerResponse.text(String(Option.getOrUndefined(HashMap.get(annotations, "request"))))
)

const directs: Readonly<Record<string, readonly [DirectRoutes.Handler, object]>> = {
  "by an effect": [direct({}), { status: 200, body: "direct" }],
  "without an effect": [direct({ answer: HttpServerResponse.text("ready") }), { status: 200, body: "ready" }],
  "with the services of its endpoint and of its request": [
    direct({
      answer: Effect.map(Effect.all([Greeting, Name]), (words) =>
        HttpServerResponse.text(words.join(" "))
      ) as unknown as DirectEffect
    }),
    { status: 200, body: "hello Ann" }
  ],
  "with the log annotations of its request": [direct({ answer: annotated }), { status: 200, body: "one" }],
  "on the clock of its endpoint": [
    direct({ answer: Effect.map(Clock.currentTimeMillis, (now) => HttpServerResponse.text(String(now))) }),
    { status: 200, body: "5" }
  ],
  "after a wait": [
    direct({ answer: Effect.delay(Effect.succeed(HttpServerResponse.text("late")), "5 millis") }),
    { status: 200, body: "late" }
  ],
  "by a stream": [
    direct({
      answer: Effect.succeed(HttpServerResponse.stream(Stream.make(encoder.encode("a"), encoder.encode("b"))))
    }),
    { status: 200, body: "ab" }
  ],
  "after a handler for its response": [
    direct({
      answer: Effect.as(
        HttpApp.appendPreResponseHandler((_, response) => Effect.succeed(HttpServerResponse.setStatus(response, 202))),
        HttpServerResponse.text("prepared")
      )
    }),
    { status: 202, body: "prepared" }
  ],
  "by 500, if its effect has a defect": [direct({ answer: Effect.die("a defect") }), { status: 500 }]
}

describe("a path that is answered before the router", () => {
  const serveDirect = (handler: DirectRoutes.Handler) =>
    serve((server, port, ownOf) =>
      LeanHttpServer.layer(server, { host: "127.0.0.1", port }, () => ({
        ...ownOf(),
        direct: (url) => (url === "/text" ? handler : undefined)
      }))
    )

  it.each(Object.entries(directs))("the path is answered %s", async (_, [handler, expected]) => {
    const served = await serveDirect(handler)
    const answer = await ask("/text")(served)
    expect(answer).toMatchObject(expected)
    expect(answer.headers).toContain("x-end: yes")
    expect((await ask("/bytes")(served)).body).toBe("bytes")
    await served.close()
  })

  it.each([
    ["its request cannot begin", direct("a defect")],
    ["a header of its answer is invalid", direct({ end: () => [["x-bad", "a\nb"]] })],
    [
      "a header of its ready answer is invalid",
      direct({ answer: HttpServerResponse.empty(), end: () => [["x-bad", "a\nb"]] })
    ]
  ])("the path is answered by 500, if %s", async (_, handler) => {
    const served = await serveDirect(handler)
    expect((await ask("/text")(served)).status).toBe(500)
    expect((await ask("/bytes")(served)).body).toBe("bytes")
    await served.close()
  })
})
