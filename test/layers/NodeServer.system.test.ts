/** The server before its routes are ready, its limits, and its errors. */

import { type AddressInfo, createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import { describe, expect, it } from "vitest"
import * as NodeServer from "../../src/layers/NodeServer.js"
import { freePort } from "../support/Cli.js"
import * as Raw from "../support/RawConnection.js"

const statusOf = (port: number) =>
  Effect.tryPromise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    return { status: response.status, retryAfter: response.headers.get("retry-after") }
  })

it("a server answers 503 until its app is ready (RFC 9110 §15.6.4)", async () => {
  const port = await freePort()
  const route = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("here"))
  const slow = Layer.mergeAll(route, Layer.effectDiscard(Effect.sleep("500 millis")))
  const [first, last] = await Effect.runPromise(
    Effect.gen(function* () {
      const server = yield* Effect.fork(Layer.launch(NodeServer.serve(slow, { host: "127.0.0.1", port })))
      const first = yield* Effect.retry(statusOf(port), Schedule.spaced("10 millis"))
      const last = yield* Effect.repeat(statusOf(port), { until: ({ status }) => status !== 503 })
      yield* Fiber.interrupt(server)
      return [first, last]
    })
  )
  expect(first).toEqual({ status: 503, retryAfter: "1" })
  expect(last).toMatchObject({ status: 200 })
})

/** Serves one route to a test, and answers with what was logged at the level of an operator. */
const serving = async (options: NodeServer.Timeouts, test: (port: number) => Promise<unknown>) => {
  const port = await freePort()
  const lines: Array<string> = []
  const route = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("here"))
  await Effect.runPromise(
    Layer.build(NodeServer.serve(route, { ...options, host: "127.0.0.1", port })).pipe(
      Effect.zipRight(Effect.promise(() => test(port))),
      Effect.scoped,
      Effect.provide(
        Logger.replace(
          Logger.defaultLogger,
          Logger.map(Logger.logfmtLogger, (line) => void lines.push(line))
        )
      )
    )
  )
  return lines
}

it("the log has one line for headers that are too large, without their content", async () => {
  const lines = await serving({}, async (port) => {
    for (const text of [Raw.request("GET /", { Cookie: `a=secret${"x".repeat(17_000)}` }), "nonsense\r\n\r\n"]) {
      const connection = await Raw.connect(port)
      connection.write(text)
      await connection.closed()
    }
  })
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(/level=INFO .*request refused.* reason=HeadersTooLarge status=431$/)
  ])
})

it("an idle connection stays open for more than the 60 seconds of load balancers (RFC 9112 §9.5)", () =>
  serving({}, async (port) => {
    const connection = await Raw.connect(port)
    connection.write(Raw.request("GET /"))
    expect(await connection.until("here")).toMatch(/^keep-alive: timeout=75\r$/im)
    // Node's own 5 seconds have passed.
    await sleep(6_500)
    connection.write(Raw.request("GET /", { Connection: "close" }))
    expect((await connection.closed()).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
  }))

it(
  "an idle connection and an unfinished request end at the configured timeouts",
  () =>
    serving({ keepAliveTimeout: "1 second", headersTimeout: "1 second", requestTimeout: "2 seconds" }, async (port) => {
      const [idle, unfinished] = [await Raw.connect(port), await Raw.connect(port)]
      idle.write(Raw.request("GET /"))
      unfinished.write("GET / HTTP/1.1\r\nHost: a\r\n")
      expect(await idle.closed()).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(await unfinished.closed()).toMatch(/^HTTP\/1\.1 408 /)
    }),
  20_000
)

const route = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("here"))

it("the log has the URL of the server, with the port that the system chose", async () => {
  let listening = 0
  const lines = await serving({}, async (port) => {
    listening = port
  })
  expect(lines).toEqual([
    expect.stringMatching(new RegExp(`level=INFO .*"server listening" url=http://127.0.0.1:${listening}$`))
  ])
  const chosen: Array<string> = []
  await Effect.runPromise(
    Layer.build(NodeServer.serve(route, { host: "::1", port: 0 })).pipe(
      Effect.scoped,
      Effect.provide(
        Logger.replace(
          Logger.defaultLogger,
          Logger.map(Logger.logfmtLogger, (line) => void chosen.push(line))
        )
      )
    )
  )
  expect(chosen).toEqual([expect.stringMatching(/url=http:\/\/\[::1\]:[1-9]\d+$/)])
})

describe("the error of an address on which the server cannot listen", () => {
  const refused = (host: string, port: number) =>
    Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(NodeServer.serve(route, { host, port })))))

  it("the error of a port in use names the port", async () => {
    const taken = createServer()
    const port = await new Promise<number>((resolve) =>
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as AddressInfo).port))
    )
    const error = await refused("127.0.0.1", port)
    taken.close()
    expect(error).toBeInstanceOf(NodeServer.ListenError)
    expect(error).toMatchObject({ _tag: "ListenError", host: "127.0.0.1", port, code: "EADDRINUSE" })
    expect(error.message).toBe(`port ${port} of 127.0.0.1 is in use: stop the other program, or choose another port`)
  })

  it("the error of another machine's address names the address", async () => {
    const error = await refused("192.0.2.1", 3000)
    expect(error).toMatchObject({ code: "EADDRNOTAVAIL" })
    expect(error.message).toBe("192.0.2.1 is not an address of this machine: choose another host")
  })

  it.each([
    [
      "EACCES",
      "port 80 of 0.0.0.0 needs a permission that this user does not have: grant it, or choose a port above 1023"
    ],
    ["ENOTFOUND", "0.0.0.0 is not an address of this machine: choose another host"],
    ["EMFILE", "port 80 of 0.0.0.0 cannot be used to listen (EMFILE)"]
  ])("the message for Node's code %s says what to do", (code, message) => {
    const cause = Object.assign(new Error("listen"), { code })
    expect(NodeServer.ListenError.of({ host: "0.0.0.0", port: 80 }, cause)).toMatchObject({ code, message })
  })
})
