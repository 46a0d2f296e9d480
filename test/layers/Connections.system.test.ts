/** Connections to a server of `NodeServer.createServer`: upgrades, WebSockets, and their end. */
import { createServer, METHODS, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import * as NodeServer from "../../src/layers/NodeServer.js"
import { freePort } from "../support/Cli.js"
import * as Raw from "../support/RawConnection.js"

/** Sends each message back, until the client closes. */
const echo = HttpLayerRouter.add(
  "GET",
  "/echo",
  Effect.gen(function* () {
    const socket = yield* (yield* HttpServerRequest.HttpServerRequest).upgrade
    const write = yield* socket.writer
    yield* socket.runRaw((message) => write(message))
    return HttpServerResponse.empty()
  }).pipe(
    Effect.scoped,
    Effect.catchAll(() => HttpServerResponse.empty({ status: 426 }))
  )
)

let interrupted = 0

const app = Layer.mergeAll(
  echo,
  HttpLayerRouter.add("GET", "/", HttpServerResponse.text("here")),
  HttpLayerRouter.add(
    "POST",
    "/body",
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ text }) => Effect.map(text, HttpServerResponse.text))
  ),
  HttpLayerRouter.add(
    "GET",
    "/never",
    Effect.onInterrupt(Effect.never, () => Effect.sync(() => (interrupted += 1)))
  )
)

/** Runs a test on the app, served by the platform on this server. */
const onServer = async (make: () => Server, test: (port: number) => Promise<void>) => {
  const port = await freePort()
  const served = HttpLayerRouter.serve(app, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(NodeHttpServer.layer(make, { host: "127.0.0.1", port }))
  )
  const tested = Effect.zipRight(
    Layer.build(served),
    Effect.promise(() => test(port))
  )
  await Effect.runPromise(Effect.scoped(tested))
}

const limits = { upgradeTimeout: 300, webSocketIdleTimeout: 400 }

const ours = () =>
  NodeServer.createServer({ ...limits, headersTimeout: 300, requestTimeout: 400, connectionsCheckingInterval: 50 })

const withGuard = () => NodeServer.guard(createServer(), limits)

const send = async (port: number, text: string) => {
  const connection = await Raw.connect(port)
  connection.write(text)
  return connection
}

const get = async (port: number) => (await fetch(`http://127.0.0.1:${port}/`)).text()

/** A WebSocket that has said something and heard it. */
const openSocket = async (port: number) => {
  const connection = await send(port, Raw.request("GET /echo", Raw.webSocket))
  await connection.until("\r\n\r\n")
  connection.write(Raw.frame("hello"))
  await connection.until("\x81\x05hello")
  return connection
}

describe.each([
  ["createServer", ours],
  ["guard", withGuard]
])("a request target in absolute form, by NodeServer.%s,", (_, make) => {
  it.each([
    ["http://127.0.0.1/", "here"],
    ["HTTPS://other.example:8443", "here"],
    ["http://user@other.example?a=b", "here"],
    ["http://[2001:db8::1]:80/?a=http://b/", "here"]
  ])("reaches the app's own route by its path: %s (RFC 9112 §3.2.2)", (target, expected) =>
    onServer(make, async (port) => {
      const connection = await send(port, Raw.request(`GET ${target}`, { Connection: "close" }))
      const answer = await connection.closed()
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(answer.endsWith(`\r\n\r\n${expected}`)).toBe(true)
    })
  )

  it("a client opens a WebSocket", () =>
    onServer(make, async (port) => {
      const connection = await send(port, Raw.request("GET http://other.example/echo", Raw.webSocket))
      expect(await connection.until("\r\n\r\n")).toMatch(/^HTTP\/1\.1 101 /)
      connection.reset()
    }))

  it.each(["ftp://127.0.0.1/", "//127.0.0.1/", "/http://127.0.0.1/"])("is no other target: %s", (target) =>
    onServer(make, async (port) => {
      const connection = await send(port, Raw.request(`GET ${target}`, { Connection: "close" }))
      expect(await connection.closed()).toMatch(/^HTTP\/1\.1 40[04] /)
    })
  )
})

describe.each([
  ["createServer", (options = {}) => NodeServer.createServer(options)],
  ["guard", (options = {}) => NodeServer.guard(createServer(), options)]
] satisfies ReadonlyArray<[string, (options?: Parameters<typeof NodeServer.guard>[1]) => Server]>)(
  "a request whose headers are too large, by NodeServer.%s,",
  (_, make) => {
    const page = { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" }
    const ask = async (port: number, headers: Readonly<Record<string, string>>, target = "/") =>
      (await send(port, Raw.request(`GET ${target}`, headers))).closed()

    it.each([
      ["a cookie", { Cookie: `a=secret${"x".repeat(17_000)}` }],
      ["many cookies", { Cookie: Array.from({ length: 20 }, (_, i) => `c${i}=secret${"x".repeat(1_000)}`).join("; ") }],
      ["more than one packet", { Cookie: `a=secret${"x".repeat(300_000)}` }]
    ])("is answered with a page that says what helps: %s (RFC 6585 §5)", (_, cookies) =>
      onServer(make, async (port) => {
        const answer = await ask(port, { ...page, ...cookies })
        expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
        expect(answer).toMatch(/^content-type: text\/html; charset=utf-8\r$/m)
        expect(answer).toMatch(/^content-security-policy: default-src 'none'; style-src 'sha256-/m)
        expect(answer).toMatch(/^cache-control: no-store\r$/m)
        expect(answer).toContain("headers of this request are too large")
        expect(answer).toContain("clear the cookies of this site")
        expect(answer).not.toContain("secret")
        expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
        expect(await get(port)).toBe("here")
      })
    )

    it.each([
      ["a token", { Authorization: `Bearer secret${"x".repeat(17_000)}` }, "/"],
      ["a token, for JSON", { Accept: "application/json", Authorization: `Bearer secret${"x".repeat(17_000)}` }, "/"],
      ["a URL", {}, `/?${"x".repeat(17_000)}`]
    ])("is answered in JSON to a program: %s", (_, headers, target) =>
      onServer(make, async (port) => {
        const [head = "", body = ""] = (await ask(port, headers, target)).split("\r\n\r\n")
        expect(head).toMatch(/^HTTP\/1\.1 431 /)
        expect(head).toMatch(/^content-type: application\/json\r$/m)
        expect(JSON.parse(body)).toEqual({
          error: "invalid_request",
          error_description: expect.stringContaining("headers of the request are too large")
        })
        expect(body).not.toContain("secret")
      })
    )

    it("onRefusal gets a request with large headers once, without its content", () => {
      const reported: Array<unknown> = []
      return onServer(
        () => make({ onRefusal: (refusal) => reported.push(refusal) }),
        async (port) => {
          await ask(port, { Cookie: "x".repeat(300_000) })
          expect(reported).toEqual([{ status: 431, reason: "HeadersTooLarge" }])
          await (await send(port, "nonsense\r\n\r\n")).closed()
          expect(reported).toEqual([expect.anything(), { status: 400, reason: "MalformedRequest" }])
        }
      )
    })

    it("a listener of the app answers a request that Node cannot parse", () =>
      onServer(
        () =>
          make().on("clientError", (_, socket) => void socket.end("HTTP/1.1 431 Own\r\n\r\n", () => socket.destroy())),
        async (port) => {
          expect(await ask(port, { Cookie: "x".repeat(17_000) })).toBe("HTTP/1.1 431 Own\r\n\r\n")
        }
      ))
  }
)

describe("an upgrade that is not a WebSocket", () => {
  it.each([
    ["Content-Length", { "Content-Length": "5" }, "a=b&c"],
    ["chunks", { "Transfer-Encoding": "chunked" }, "3\r\na=b\r\n2\r\n&c\r\n0\r\n\r\n"]
  ])("leaves a POST its body, sent by %s (RFC 9110 §7.8)", (_, headers, body) =>
    onServer(ours, async (port) => {
      const connection = await send(port, Raw.request("POST /body", { ...Raw.h2c, ...headers }, body))
      const answer = await connection.closed()
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(answer.endsWith("\r\n\r\na=b&c")).toBe(true)
    })
  )

  it.each([
    ["of another protocol", { ...Raw.webSocket, Upgrade: "x" }],
    ["of two protocols", { ...Raw.webSocket, Upgrade: "websocket, h2c" }],
    ["of another version", { ...Raw.webSocket, "Sec-WebSocket-Version": "12" }],
    ["with a malformed key", { ...Raw.webSocket, "Sec-WebSocket-Key": "short" }],
    ["with a malformed list of subprotocols", { ...Raw.webSocket, "Sec-WebSocket-Protocol": "a, a" }],
    ["with a body", { ...Raw.webSocket, "Content-Length": "2" }]
  ])("is an ordinary request: one %s", (_, headers) =>
    onServer(ours, async (port) => {
      const connection = await send(port, Raw.request("GET /echo", headers, "ab"))
      // The app asks for a WebSocket, and hears that this request cannot become one.
      expect(await connection.closed()).toMatch(/^HTTP\/1\.1 426 .*\r\nconnection: close\r\n/is)
    })
  )

  it("the connection of an ignored upgrade ends, so that dropped bytes start no other request", () =>
    onServer(ours, async (port) => {
      const connection = await send(port, Raw.request("GET /", Raw.h2c) + Raw.request("GET /"))
      expect((await connection.closed()).match(/HTTP\/1\.1 /g)).toHaveLength(1)
    }))

  it("the time limit of a request applies to the connection of an ignored upgrade", () =>
    onServer(ours, async (port) => {
      const connection = await send(port, Raw.request("POST /body", { ...Raw.h2c, "Content-Length": "5" }, "a="))
      expect(await connection.closed()).toMatch(/^HTTP\/1\.1 408 /)
    }))
})

describe.each([
  ["createServer", ours],
  ["guard", withGuard]
])("a WebSocket of the app's own, by NodeServer.%s", (_, make) => {
  it("a WebSocket works, and its reset does not affect other clients", () =>
    onServer(make, async (port) => {
      const connection = await openSocket(port)
      const other = await openSocket(port)
      connection.reset()
      other.write(Raw.frame("again"))
      await other.until("\x81\x05again")
      expect(await get(port)).toBe("here")
      other.reset()
    }))

  it("a malformed frame of a WebSocket does not affect other clients", () =>
    onServer(make, async (port) => {
      const connection = await openSocket(port)
      connection.write(Buffer.from([0xff, 0xff, 0, 0]))
      await connection.closed()
      connection.reset()
      expect(await get(port)).toBe("here")
    }))

  it("a WebSocket is closed after the idle timeout, and not while it has traffic", () =>
    onServer(make, async (port) => {
      const [silent, busy] = [await openSocket(port), await openSocket(port)]
      const says = setInterval(() => busy.write(Raw.frame("still")), 50)
      await silent.closed()
      await new Promise((resolve) => setTimeout(resolve, 2 * limits.webSocketIdleTimeout))
      clearInterval(says)
      busy.write(Raw.frame("last"))
      await busy.until("\x81\x04last")
      busy.reset()
    }))

  it("a handshake that the app does not answer is closed, and its handler is interrupted", () =>
    onServer(make, async (port) => {
      const before = interrupted
      const connection = await send(port, Raw.request("GET /never", Raw.webSocket))
      expect(await connection.closed()).toBe("")
      await expect.poll(() => interrupted).toBe(before + 1)
    }))

  it("a handshake that the app refuses leaves no half-open connection", () =>
    onServer(make, async (port) => {
      const connection = await send(port, Raw.request("GET /", Raw.webSocket))
      expect(await connection.closed()).toMatch(/^HTTP\/1\.1 200 OK/)
      // The client's half stays open until the server has destroyed the socket: writing then fails.
      const failed = new Promise((resolve) => connection.socket.on("error", resolve))
      const writes = setInterval(() => connection.write("x"), 50)
      await failed
      clearInterval(writes)
    }))
})

it("an app without WebSockets gets handshakes as ordinary requests", () =>
  onServer(
    () => NodeServer.createServer({ webSockets: false }),
    async (port) => {
      const connection = await send(port, Raw.request("GET /echo", Raw.webSocket))
      expect(await connection.closed()).toMatch(/^HTTP\/1\.1 426 /)
    }
  ))

it.each([
  ["createServer", ours],
  ["guard", withGuard]
])("CONNECT is answered 405, and its socket closed, by NodeServer.%s (RFC 9110 §9.3.6)", (_, make) =>
  onServer(make, async (port) => {
    const connection = await send(port, Raw.request("CONNECT example.com:443"))
    expect(await connection.closed()).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\nAllow:\r\n/)
  })
)

it("a stopping server sends a close frame to its WebSockets, and does not wait for those that stay open", async () => {
  const port = await freePort()
  const running = Effect.runFork(Layer.launch(NodeServer.serve(app, { host: "127.0.0.1", port, drain: 0 })))
  await expect.poll(() => get(port).catch(() => "")).toBe("here")
  const connection = await openSocket(port)
  const began = Date.now()
  await Effect.runPromise(Fiber.interrupt(running))
  expect(Date.now() - began).toBeLessThan(10_000)
  // A close frame (RFC 6455 §5.5.1).
  expect(await connection.closed()).toContain("\x88")
})

it("a server whose app is not ready answers every method with 503", async () => {
  const server = NodeServer.createServer().listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  const { port } = server.address() as AddressInfo
  for (const method of METHODS.filter((method) => method !== "CONNECT")) {
    const connection = await send(port, Raw.request(`${method} /`))
    expect(await connection.closed(), method).toMatch(/^HTTP\/1\.1 503 /)
  }
  server.close()
})
