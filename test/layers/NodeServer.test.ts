/** The server before its routes are there, and after they have gone. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { expect, it } from "vitest"
import * as NodeServer from "../../src/layers/NodeServer.js"
import { freePort } from "../support/Cli.js"

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
