/**
 * Keeps one connection from ending the process or staying open for ever: each socket has a listener for its errors, and
 * a socket that was upgraded has timeouts again, which Node stops when it hands the socket on. Request targets in absolute
 * form are rewritten here, before the app's listeners.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import * as Either from "effect/Either"
import * as Brand from "../../http/pages/Brand.js"
import * as Page from "../../http/wire/Page.js"
import { type BrandOptions, toBrand } from "../settings/BrandOptions.js"
import { SettingsError } from "../settings/SettingsOptions.js"
import * as MalformedRequest from "./MalformedRequest.js"
import { originForm } from "./RequestTarget.js"

/** Limits of a connection that has been upgraded, in milliseconds. */
export interface UpgradeLimits {
  /**
   * Maximum time until the app answers an upgrade, and until the client closes the connection after an answer that
   * refused it. 10,000 if not given: as long as a client may take for its headers.
   */
  readonly upgradeTimeout?: number | undefined
  /**
   * Maximum time for which a WebSocket carries no bytes in either direction. 600,000 if not given: proxies close silent
   * connections earlier, so an app that is silent for longer sends pings already.
   */
  readonly webSocketIdleTimeout?: number | undefined
}

/** What a server is guarded with. */
export interface Options extends UpgradeLimits {
  /** Called for each request that Node cannot parse, such as one with headers that are too large: no route sees it. */
  readonly onRefusal?: ((refusal: MalformedRequest.Refusal) => void) | undefined
  /** The brand of the page for such a request. `NodeServer.serve` takes that of the authorization server that it serves. */
  readonly brand?: BrandOptions | undefined
}

/** What is open on a server. */
export interface Open {
  /** The answers that have not ended. */
  readonly unanswered: ReadonlySet<ServerResponse>
  /** The sockets that have been upgraded: Node no longer counts them among its connections. */
  readonly upgraded: ReadonlySet<Socket>
  /** Sets the pages for requests that no route sees. */
  readonly setRendering: (rendering: () => Page.Rendering) => void
}

const ignore = (): void => {}

/** The socket's errors are followed by its `close`, which is what everything else listens to. */
const onConnection = (socket: Socket) => socket.on("error", ignore)

/** Runs before every listener of an app, so that its routers see a path. */
const toOriginForm = (request: IncomingMessage): void => {
  if (request.url !== undefined) request.url = originForm(request.url)
}

/** Answers without a body, and closes. */
const refuse = (socket: Duplex, status: string, header: string): void => {
  socket.end(`HTTP/1.1 ${status}\r\n${header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, () =>
    socket.destroy()
  )
}

/** Destroys a socket that is not answered in time, is not closed after its last answer, or is silent for too long. */
const limit = (socket: Socket, { upgradeTimeout = 10_000, webSocketIdleTimeout = 600_000 }: UpgradeLimits): void => {
  const destroy = () => void socket.destroy()
  const written = socket.bytesWritten
  const timers = [
    setTimeout(() => socket.bytesWritten === written && destroy(), upgradeTimeout),
    whenIdle(socket, webSocketIdleTimeout, destroy)
  ]
  socket.once("finish", () => timers.push(setTimeout(destroy, upgradeTimeout)))
  socket.once("close", () => timers.forEach(clearTimeout))
}

/** How often a socket is looked at within its idle timeout. */
const looks = 4

/** Runs `then` once the socket has carried nothing for this long. (`ws` switches the socket's own timeout off.) */
const whenIdle = (socket: Socket, timeout: number, then: () => void): NodeJS.Timeout => {
  const carried = () => socket.bytesRead + socket.bytesWritten
  let before = carried()
  let silent = 0
  return setInterval(() => {
    silent = carried() === before ? silent + 1 : 0
    before = carried()
    if (silent === looks) then()
  }, timeout / looks)
}

/** Throws where the brand cannot be used. */
const renderingOf = (brand: BrandOptions): Page.Rendering =>
  Page.makeRendering(Brand.make(Either.getOrThrowWith(toBrand(brand), (message) => new SettingsError({ message }))))

/**
 * Guards a server, before or after it has other listeners, and answers itself what nothing else listens to. Throws a
 * `SettingsError` where the brand cannot be used.
 */
export const attach = (server: Server, { brand, onRefusal = ignore, ...limits }: Options): Open => {
  const own = brand === undefined ? Page.standard : renderingOf(brand)
  let rendering = () => own
  const unanswered = new Set<ServerResponse>()
  const upgraded = new Set<Socket>()
  const isAlone = (event: string) => server.listenerCount(event) === 1

  // On a TLS server requests come on the sockets of `secureConnection`.
  server.on("connection", onConnection).on("secureConnection", onConnection)

  const onRequest: RequestListener = (request, response) => {
    toOriginForm(request)
    unanswered.add(response)
    response.on("error", ignore).once("close", () => unanswered.delete(response))
    // When Node ignores an upgrade, it drops the bytes that came with the request: the next ones may begin anywhere.
    if (request.headers.upgrade !== undefined) response.setHeader("connection", "close")
    if (isAlone("request")) response.writeHead(503, { "retry-after": "1", connection: "close" }).end()
  }
  server.prependListener("request", onRequest)

  const onUpgrade = (request: IncomingMessage, stream: Duplex) => {
    toOriginForm(request)
    const socket = stream as Socket
    upgraded.add(socket)
    socket.once("close", () => upgraded.delete(socket))
    limit(socket, limits)
    if (isAlone("upgrade")) refuse(socket, "503 Service Unavailable", "Retry-After: 1")
  }
  // Not before something else listens: on account of this listener Node would upgrade requests.
  const onNewListener = (event: string | symbol) => {
    if (event !== "upgrade") return
    server.off("newListener", onNewListener)
    server.prependListener("upgrade", onUpgrade)
  }
  server.on("newListener", onNewListener)
  if (server.listenerCount("upgrade") > 0) onNewListener("upgrade")

  // This server tunnels to no host, so no method is allowed there (RFC 9110 §9.3.6, §10.2.1).
  server.prependListener("connect", (_, socket) => {
    if (isAlone("connect")) refuse(socket, "405 Method Not Allowed", "Allow:")
  })
  const isAnswering = (socket: Duplex) =>
    Array.from(unanswered).some((response) => response.socket === socket && response.headersSent)
  MalformedRequest.listen(server, isAnswering, onRefusal, () => rendering())
  const setRendering = (given: () => Page.Rendering) => {
    rendering = given
  }
  return { unanswered, upgraded, setRendering }
}
