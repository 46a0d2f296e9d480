/**
 * Serves an app on node:http with limits and an orderly shutdown: open requests finish, idle connections close, and the
 * storage closes last. An app that calls `HttpLayerRouter.serve` itself gets the limits from `createServer`.
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
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as DirectRoutes from "../http/wire/DirectRoutes.js"
import * as Edge from "../http/wire/Edge.js"
import * as Page from "../http/wire/Page.js"
import * as ConnectionGuard from "./node/ConnectionGuard.js"
import * as LeanHttpServer from "./node/LeanHttpServer.js"
import { ListenError } from "./node/ListenError.js"
import type { Refusal } from "./node/MalformedRequest.js"
import { requestClass } from "./node/WebSocketHandshake.js"
import * as Routes from "./wiring/Routes.js"

export { ListenError } from "./node/ListenError.js"

/** Options of `createServer`: those of Node, and ours. All times are in milliseconds. */
export interface ServerOptions
  extends ConnectionGuard.Options,
    Omit<Http.ServerOptions, "IncomingMessage" | "ServerResponse"> {
  /**
   * Whether the app answers WebSockets (`HttpServerRequest.upgrade`): true if not given. With false, a handshake is an
   * ordinary request, as every other offer of an upgrade is.
   */
  readonly webSockets?: boolean | undefined
}

/** Time limits of a connection. */
export interface Timeouts {
  /**
   * Maximum time that an idle connection stays open. "75 seconds" if not given: the load balancer should close a
   * connection first (RFC 9112 §9.5), and load balancers keep idle connections for 60 seconds.
   */
  readonly keepAliveTimeout?: Duration.DurationInput | undefined
  /** Maximum time for the headers of a request. "10 seconds" if not given; at most `requestTimeout`. */
  readonly headersTimeout?: Duration.DurationInput | undefined
  /** Maximum time for a whole request. "30 seconds" if not given. */
  readonly requestTimeout?: Duration.DurationInput | undefined
}

/** The default time limits. */
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

/** The address to listen on, and the time limits. */
export interface Options extends Timeouts {
  readonly host: string
  readonly port: number
  /** Maximum time for open requests to finish when the server stops. "10 seconds" if not given. */
  readonly drain?: Duration.DurationInput
  /** Whether the app answers WebSockets: true if not given (see `ServerOptions`). */
  readonly webSockets?: boolean | undefined
  /** Whether the address is logged at the start: true if not given. */
  readonly logAddress?: boolean | undefined
}

/** A server, and its open requests and sockets. */
interface Guarded extends ConnectionGuard.Open {
  readonly server: Http.Server
}

const makeServer = ({ webSockets = true, ...options }: ServerOptions): Guarded => {
  const server = Http.createServer({
    // Every request that the server answers fits into 16 KiB of headers. Longer ones get 431.
    maxHeaderSize: 16 * 1024,
    ...inMillis({}),
    // By default Node looks for expired connections every 30 seconds, which would be the real limit.
    connectionsCheckingInterval: 5_000,
    ...options,
    IncomingMessage: requestClass(webSockets)
  })
  return { server, ...ConnectionGuard.attach(server, options) }
}

/**
 * Returns a server of node:http for `NodeHttpServer.layer`. No single connection can end the process or stay open for ever:
 * the errors of each socket have a listener. Only the handshake of a WebSocket is upgraded (RFC 6455 §4.2.1). Every other
 * request that offers an upgrade (`h2c`) is an ordinary request and keeps its body (RFC 9110 §7.8). CONNECT gets 405, and a
 * request before the routes of the app are ready gets 503.
 */
export const createServer = (options: ServerOptions = {}): Http.Server => makeServer(options).server

/**
 * Guards a server that other code made, before it listens, and returns it. The errors of each socket get a listener,
 * upgraded sockets get time limits, and CONNECT is answered.
 *
 * Prefer `createServer`: only the constructor of a server decides which requests are upgraded. With `guard` alone, a request
 * that offers `Upgrade: h2c` loses its body in `NodeHttpServer`, a client can have any request treated as an upgrade, and
 * Node's own time limits stay.
 */
export const guard = <S extends Http.Server>(server: S, options: ConnectionGuard.Options = {}): S => {
  ConnectionGuard.attach(server, options)
  return server
}

/** Maximum time for a WebSocket to close after its handler has ended, in milliseconds. `ws` itself would wait 30 seconds. */
const closeTimeout = 2_000

/** Accepts no more connections, waits for the open requests, then closes the remaining connections. */
const drain = ({ server, unanswered, upgraded }: Guarded, atMost: Duration.DurationInput) =>
  Effect.gen(function* () {
    const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(atMost)
    server.close()
    for (const response of unanswered.all()) {
      if (!response.headersSent) response.setHeader("connection", "close")
    }
    while (unanswered.all().length > 0 && (yield* Clock.currentTimeMillis) < deadline) yield* Effect.sleep("10 millis")
    server.closeAllConnections()
    // The routes end after this. The handlers of WebSockets end with them, and send the reason of the close.
    for (const socket of upgraded) setTimeout(() => socket.destroy(), closeTimeout).unref()
  })

/** An operator looks for 431, which a user can repair. The other refusals come mostly from scanners. */
const logRefusal = (refusal: Refusal): Effect.Effect<void> =>
  Effect.annotateLogs(refusal.status === 431 ? Effect.logInfo("request refused") : Effect.logDebug("request refused"), {
    ...refusal
  })

/** The services that `serve` provides to an app. */
type Provided = HttpServer.HttpServer | HttpPlatform | Etag.Generator | NodeContext

/** The requirements of the handlers of an app, of one kind. `serve` provides a request and its scope to each handler. */
type HandlersNeed<Kind extends string, R> = Exclude<
  Exclude<Exclude<HttpLayerRouter.Request.Only<Kind, R>, HttpLayerRouter.GlobalProvided>, HttpLayerRouter.HttpRouter>,
  Provided
>

/** The requirements of an app that `serve` does not provide: it provides a router, a server and the services of Node. */
export type Requirements<R> =
  | Exclude<Exclude<HttpLayerRouter.Request.Without<R>, HttpLayerRouter.HttpRouter>, Provided>
  | HandlersNeed<"Requires", R>
  | HandlersNeed<"GlobalRequires", R>

/** Logs the address of the server. For port 0 it is the port that the system chose. */
const logAddress = Layer.effectDiscard(
  Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
    address._tag === "TcpAddress"
      ? Effect.annotateLogs(Effect.logInfo("server listening"), { url: urlOf(address.hostname, address.port) })
      : Effect.void
  )
)

/** Returns the URL of an address on this machine. An IPv6 address is in brackets (RFC 3986 §3.2.2). */
const urlOf = (host: string, port: number): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}`

/**
 * Serves an app of routes, and logs the address at INFO. The platform's logger and tracer are off, because they record whole
 * URLs, and these contain codes. Fails with a `ListenError` if the server cannot listen on the address.
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
      let own = (): LeanHttpServer.Own => ({
        direct: () => undefined,
        found: undefined,
        clock: undefined,
        addServices: () => {}
      })
      const ofRouter = Layer.effectDiscard(
        Effect.map(HttpLayerRouter.HttpRouter, (router) => {
          // A request that no route receives gets a page of the app's authorization server.
          guarded.setRendering(() => Page.ofRouter(router, "/"))
          // The clock is known when the app is built.
          own = () => ({
            direct: DirectRoutes.finder(router),
            found: DirectRoutes.foundOf(router),
            clock: DirectRoutes.clockOf(router),
            addServices: Edge.addFollowing
          })
        })
      )
      const routes = Layer.provide(Layer.mergeAll(app, Routes.notFound, ofRouter), DirectRoutes.layer())
      // The type of an app says that it needs a router, and not that another one may be provided to it.
      // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
      const served = HttpLayerRouter.serve(routes as typeof app, {
        disableLogger: true,
        disableListenLog: true,
        routerConfig: Routes.routerConfig
      }).pipe(HttpMiddleware.withTracerDisabledWhen(() => true))
      // This layer is built after the routes, so it ends before them.
      const drained = Layer.scopedDiscard(
        Effect.addFinalizer(() => drain(guarded, options.drain ?? Duration.seconds(10)))
      )
      const { host, port } = options
      const listening = Layer.mapError(
        LeanHttpServer.layer(guarded.server, { host, port }, () => own()),
        ({ cause }) => ListenError.of({ host, port }, cause)
      )
      return Layer.provideMerge(drained, served).pipe(
        Layer.merge(options.logAddress === false ? Layer.empty : logAddress),
        Layer.provide(listening)
      )
    })
  )
