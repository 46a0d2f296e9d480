/**
 * An app on node:http, with limits, and with an orderly end: requests in flight finish, idle connections close, and
 * what the app stands on (its storage) closes last.
 */

import { createServer, type Server, type ServerResponse } from "node:http"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Routes from "./Routes.js"

/** Where to listen. */
export interface Options {
  readonly host: string
  readonly port: number
  /** How long requests in flight may take to finish when the server ends. */
  readonly drain?: Duration.DurationInput
}

/** A server that knows which of its requests are not answered yet. */
interface Listening {
  readonly server: Server
  readonly unanswered: ReadonlySet<ServerResponse>
}

const listening = Effect.sync((): Listening => {
  const server = createServer({
    // A header of 16 KiB holds any request we answer; longer ones get 431.
    maxHeaderSize: 16 * 1024,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 5_000
  })
  const unanswered = new Set<ServerResponse>()
  server.on("request", (_, response) => {
    unanswered.add(response)
    response.once("close", () => unanswered.delete(response))
    // The address is there a moment before the routes are, and goes a moment after them: nobody else would answer.
    if (server.listenerCount("request") === 1)
      response.writeHead(503, { "retry-after": "1", connection: "close" }).end()
  })
  return { server, unanswered }
})

/** Takes no more connections, waits for what is in flight, then closes what is left. */
const drain = ({ server, unanswered }: Listening, atMost: Duration.DurationInput) =>
  Effect.gen(function* () {
    const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(atMost)
    server.close()
    for (const response of unanswered) {
      if (!response.headersSent) response.setHeader("connection", "close")
    }
    while (unanswered.size > 0 && (yield* Clock.currentTimeMillis) < deadline) yield* Effect.sleep("10 millis")
    server.closeAllConnections()
  })

/**
 * Serves an app of routes. The platform's logger and tracer are off, since they record whole URLs, and these hold
 * codes. Fails when the address cannot be listened on.
 */
export const serve = <A, E, R>(app: Layer.Layer<A, E, R>, options: Options) =>
  Layer.unwrapEffect(
    Effect.map(listening, (listening) => {
      const served = HttpLayerRouter.serve(Layer.merge(app, Routes.notFound), {
        disableLogger: true,
        disableListenLog: true,
        routerConfig: Routes.routerConfig
      }).pipe(HttpMiddleware.withTracerDisabledWhen(() => true))
      // Built after the routes, so ended before them.
      const drained = Layer.scopedDiscard(
        Effect.addFinalizer(() => drain(listening, options.drain ?? Duration.seconds(10)))
      )
      return Layer.provideMerge(drained, served).pipe(
        Layer.provide(NodeHttpServer.layer(() => listening.server, { host: options.host, port: options.port }))
      )
    })
  )
