/** The server before its routes are there, and after they have gone. */

import { setTimeout as sleep } from "node:timers/promises"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import { expect, it } from "vitest"
import * as NodeServer from "../../src/layers/NodeServer.js"
import { freePort } from "../support/Cli.js"
import * as Raw from "../support/RawConnection.js"

const statusOf = (port: number) =>
  Effect.tryPromise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    return { status: response.status, retryAfter: response.headers.get("retry-after") }
  })

it("answers 503 until the app is there, so that nobody waits for nothing (RFC 9110 §15.6.4)", async () => {
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

it("logs headers that are too large in one line, and nothing of them", async () => {
  const lines = await serving({}, async (port) => {
    for (const text of [Raw.request("GET /", { Cookie: `a=secret${"x".repeat(17_000)}` }), "nonsense\r\n\r\n"]) {
      const connection = await Raw.connect(port)
      connection.write(text)
      await connection.closed()
    }
  })
  expect(lines).toEqual([expect.stringMatching(/level=INFO .*request refused.* reason=HeadersTooLarge status=431$/)])
})

it("keeps an idle connection for longer than the 60 seconds of load balancers (RFC 9112 §9.5)", () =>
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
  "ends an idle connection and an unfinished request at the timeouts that are set",
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
