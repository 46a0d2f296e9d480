/**
 * An app on node:http, with limits, and with an orderly end: requests in flight finish, idle connections close, and
 * what the app stands on (its storage) closes last. An app that serves itself has the limits by `createServer`.
 *
 * @example
 * import { HttpLayerRouter } from "@effect/platform"
 * import { NodeHttpServer } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as NodeServer from "latchkey/NodeServer"
 *
 * const App = AuthLayer.layer({ issuer: "http://localhost:3000", resources: [] })
 * const Server = HttpLayerRouter.serve(App).pipe(
 *   Layer.provide(NodeHttpServer.layer(() => NodeServer.createServer(), { port: 3000 }))
 * )
 */

import * as Http from "node:http"
import type * as Etag from "@effect/platform/Etag"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import type { HttpPlatform } from "@effect/platform/HttpPlatform"
import * as HttpServer from "@effect/platform/HttpServer"
import type { NodeContext } from "@effect/platform-node/NodeContext"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Page from "../http/wire/Page.js"
import * as ConnectionGuard from "./node/ConnectionGuard.js"
import { ListenError } from "./node/ListenError.js"
import type { Refusal } from "./node/MalformedRequest.js"
import { requestClass } from "./node/WebSocketHandshake.js"
import * as Routes from "./wiring/Routes.js"

export { ListenError } from "./node/ListenError.js"

/** What a server of `createServer` does otherwise than by default. Node's own options are in milliseconds, as ours are. */
export interface ServerOptions
  extends ConnectionGuard.Options,
    Omit<Http.ServerOptions, "IncomingMessage" | "ServerResponse"> {
  /**
   * Whether the app answers WebSockets (`HttpServerRequest.upgrade`): true if not given. Otherwise their handshakes are
   * ordinary requests, as all other offers of an upgrade always are.
   */
  readonly webSockets?: boolean | undefined
}

/** Maximum times of a connection. */
export interface Timeouts {
  /**
   * Time for which an idle connection is kept for the next request. "75 seconds" if not given: the side in front has to end
   * a connection first (RFC 9112 §9.5), and load balancers keep idle ones for 60 seconds.
   */
  readonly keepAliveTimeout?: Duration.DurationInput | undefined
  /** Time that a client may take to send the headers of a request. "10 seconds" if not given; at most `requestTimeout`. */
  readonly headersTimeout?: Duration.DurationInput | undefined
  /** Time that a client may take to send a whole request. "30 seconds" if not given. */
  readonly requestTimeout?: Duration.DurationInput | undefined
}

/** The timeouts of a server, where nothing else is given. */
export const defaultTimeouts = {
  keepAliveTimeout: Duration.seconds(75),
  headersTimeout: Duration.seconds(10),
  requestTimeout: Duration.seconds(30)
} as const satisfies Timeouts

const inMillis = (timeouts: Timeouts) => ({
  keepAliveTimeout: Duration.toMillis(timeouts.keepAliveTimeout ?? defaultTimeouts.keepAliveTimeout),
  headersTimeout: Duration.toMillis(timeouts.headersTimeout ?? defaultTimeouts.headersTimeout),
  requestTimeout: Duration.toMillis(timeouts.requestTimeout ?? defaultTimeouts.requestTimeout)
})

/** Where to listen, and for how long to wait. */
export interface Options extends Timeouts {
  readonly host: string
  readonly port: number
  /** How long requests in flight may take to finish when the server ends. */
  readonly drain?: Duration.DurationInput
  /** Whether the app answers WebSockets: true if not given (see `ServerOptions`). */
  readonly webSockets?: boolean | undefined
  /** Whether the log says where the server listens: true if not given; false for an app that says so itself. */
  readonly logAddress?: boolean | undefined
}

/** A server, and what is open on it. */
interface Guarded extends ConnectionGuard.Open {
  readonly server: Http.Server
}

const makeServer = ({ webSockets = true, ...options }: ServerOptions): Guarded => {
  const server = Http.createServer({
    // A header of 16 KiB holds any request we answer; longer ones get 431.
    maxHeaderSize: 16 * 1024,
    ...inMillis({}),
    // Node looks for expired connections every 30 seconds otherwise, which would be the limit then.
    connectionsCheckingInterval: 5_000,
    ...options,
    IncomingMessage: requestClass(webSockets)
  })
  return { server, ...ConnectionGuard.attach(server, options) }
}

/**
 * Makes a server of node:http that no single connection can end or hold for ever, for `NodeHttpServer.layer`. The errors
 * of each socket have a listener; only the handshake of a WebSocket is upgraded (RFC 6455 §4.2.1), and every other
 * request that offers an upgrade (`h2c`) is answered as an ordinary one, with its body (RFC 9110 §7.8); CONNECT is
 * answered 405; a request that comes before the app's routes are there, 503.
 */
export const createServer = (options: ServerOptions = {}): Http.Server => makeServer(options).server

/**
 * Guards a server that was made in another way, before it listens: the errors of each socket have a listener, sockets
 * that were upgraded have timeouts, CONNECT is answered. Answers with the same server.
 *
 * Which requests are upgraded is decided when a server is made. So beside `NodeHttpServer` this cannot give a request
 * that offers `Upgrade: h2c` its body, and a client can have any request treated as an upgrade; nor does this change
 * Node's own timeouts. Prefer `createServer` where there is a choice.
 */
export const guard = <S extends Http.Server>(server: S, options: ConnectionGuard.Options = {}): S => {
  ConnectionGuard.attach(server, options)
  return server
}

/** How long a WebSocket may take to close once its handler has ended, in milliseconds; `ws` itself would wait for 30 s. */
const closeTimeout = 2_000

/** Takes no more connections, waits for what is in flight, then closes what is left. */
const drain = ({ server, unanswered, upgraded }: Guarded, atMost: Duration.DurationInput) =>
  Effect.gen(function* () {
    const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(atMost)
    server.close()
    for (const response of unanswered) {
      if (!response.headersSent) response.setHeader("connection", "close")
    }
    while (unanswered.size > 0 && (yield* Clock.currentTimeMillis) < deadline) yield* Effect.sleep("10 millis")
    server.closeAllConnections()
    // The routes end after this, and with them the handlers of WebSockets, which then say why they close.
    for (const socket of upgraded) setTimeout(() => socket.destroy(), closeTimeout).unref()
  })

/** An operator looks for 431, which a person can mend; the others are mostly scans. */
const logRefusal = (refusal: Refusal): Effect.Effect<void> =>
  Effect.annotateLogs(refusal.status === 431 ? Effect.logInfo("request refused") : Effect.logDebug("request refused"), {
    ...refusal
  })

/** What serving an app gives it. */
type Given = HttpServer.HttpServer | HttpPlatform | Etag.Generator | NodeContext

/** What handlers of an app need of one kind: a request and its scope are given to each. */
type HandlersNeed<Kind extends string, R> = Exclude<
  Exclude<Exclude<HttpLayerRouter.Request.Only<Kind, R>, HttpLayerRouter.GlobalProvided>, HttpLayerRouter.HttpRouter>,
  Given
>

/** What an app needs beside a router, a server and the services of Node. */
export type Requirements<R> =
  | Exclude<Exclude<HttpLayerRouter.Request.Without<R>, HttpLayerRouter.HttpRouter>, Given>
  | HandlersNeed<"Requires", R>
  | HandlersNeed<"GlobalRequires", R>

/** Logs where the server listens, once it does; a port of 0 is the one that the system chose. */
const logAddress = Layer.effectDiscard(
  Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
    address._tag === "TcpAddress"
      ? Effect.annotateLogs(Effect.logInfo("server listening"), { url: urlOf(address.hostname, address.port) })
      : Effect.void
  )
)

/** The URL at which this machine reaches a server of an address; one of IPv6 is in brackets (RFC 3986 §3.2.2). */
const urlOf = (host: string, port: number): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}`

/**
 * Serves an app of routes, and logs at INFO where it listens. The platform's logger and tracer are off, since they record
 * whole URLs, and these hold codes. Fails with a `ListenError` when the address cannot be listened on.
 */
export const serve = <A, E, R>(
  app: Layer.Layer<A, E, R>,
  options: Options
): Layer.Layer<A, ListenError | HttpLayerRouter.Request.Without<E>, Requirements<R>> =>
  Layer.unwrapEffect(
    Effect.map(Effect.runtime<never>(), (runtime) => {
      const guarded = makeServer({
        ...inMillis(options),
        webSockets: options.webSockets,
        onRefusal: (refusal) => Runtime.runFork(runtime)(logRefusal(refusal))
      })
      // A request that no route sees is answered on the pages of the app's authorization server.
      const pages = Layer.effectDiscard(
        Effect.map(HttpLayerRouter.HttpRouter, (router) => guarded.setRendering(() => Page.ofRouter(router, "/")))
      )
      const served = HttpLayerRouter.serve(Layer.mergeAll(app, Routes.notFound, pages), {
        disableLogger: true,
        disableListenLog: true,
        routerConfig: Routes.routerConfig
      }).pipe(HttpMiddleware.withTracerDisabledWhen(() => true))
      // Built after the routes, so ended before them.
      const drained = Layer.scopedDiscard(
        Effect.addFinalizer(() => drain(guarded, options.drain ?? Duration.seconds(10)))
      )
      const { host, port } = options
      const listening = Layer.mapError(
        NodeHttpServer.layer(() => guarded.server, { host, port }),
        ({ cause }) => ListenError.of({ host, port }, cause)
      )
      return Layer.provideMerge(drained, served).pipe(
        Layer.merge(options.logAddress === false ? Layer.empty : logAddress),
        Layer.provide(listening)
      )
    })
  )
