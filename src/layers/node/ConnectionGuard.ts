/**
 * Prevents one connection from ending the process or staying open for ever. Each socket has a listener for its errors. An
 * upgraded socket gets new time limits, because Node stops its own at the upgrade. Request targets in absolute form are
 * rewritten here, before the listeners of the app.
 */
import type { IncomingMessage, RequestListener, Server } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import * as Either from "effect/Either"
import * as Brand from "../../http/pages/Brand.js"
import * as Page from "../../http/wire/Page.js"
import { type BrandOptions, toBrand } from "../settings/BrandOptions.js"
import { SettingsError } from "../settings/SettingsOptions.js"
import * as MalformedRequest from "./MalformedRequest.js"
import { OpenResponses } from "./OpenResponses.js"
import { originForm } from "./RequestTarget.js"

/** Limits of a connection that has been upgraded, in milliseconds. */
export interface UpgradeLimits {
  /**
   * Maximum time for the app to answer an upgrade, and for the client to close the connection after a refusal. 10,000 if not
   * given, as for the headers of a request.
   */
  readonly upgradeTimeout?: number | undefined
  /**
   * Maximum time without traffic on a WebSocket. 600,000 if not given: proxies close silent connections earlier, so an app
   * with longer pauses sends pings already.
   */
  readonly webSocketIdleTimeout?: number | undefined
}

/** Options of a guarded server. */
export interface Options extends UpgradeLimits {
  /** Runs for each request that Node cannot parse, such as one with headers that are too large. No route receives it. */
  readonly onRefusal?: ((refusal: MalformedRequest.Refusal) => void) | undefined
  /** The brand of the page for such a request. `NodeServer.serve` uses the brand of its authorization server. */
  readonly brand?: BrandOptions | undefined
}

/** The open responses and sockets of a server. */
export interface Open {
  /** The responses that have not ended. */
  readonly unanswered: Pick<OpenResponses, "all">
  /** The upgraded sockets. Node no longer counts them as connections. */
  readonly upgraded: ReadonlySet<Socket>
  /** Sets the pages for requests that no route receives. */
  readonly setRendering: (rendering: () => Page.Rendering) => void
}

const ignore = (): void => {}

/** After its error a socket emits `close`, and all other code listens to that. */
const onConnection = (socket: Socket) => socket.on("error", ignore)

/** Runs before the listeners of an app, so that its routers get a path. */
const toOriginForm = (request: IncomingMessage): void => {
  if (request.url !== undefined) request.url = originForm(request.url)
}

/** Answers without a body and closes the connection. */
const refuse = (socket: Duplex, status: string, header: string): void => {
  socket.end(`HTTP/1.1 ${status}\r\n${header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, () =>
    socket.destroy()
  )
}

/** Destroys a socket if the app does not answer in time, if the client does not close it after the last response, or if it is silent for too long. */
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

/** Number of checks of a socket within its idle time. */
const looks = 4

/** Runs `then` after the socket has had no traffic for this time. (`ws` switches off the timeout of the socket.) */
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

/** Throws if the brand is not valid. */
const renderingOf = (brand: BrandOptions): Page.Rendering =>
  Page.makeRendering(Brand.make(Either.getOrThrowWith(toBrand(brand), (message) => new SettingsError({ message }))))

/**
 * Guards a server, before or after it has other listeners. It answers the events that no other code listens to. Throws a
 * `SettingsError` if the brand is not valid.
 */
export const attach = (server: Server, { brand, onRefusal = ignore, ...limits }: Options): Open => {
  const own = brand === undefined ? Page.standard : renderingOf(brand)
  let rendering = () => own
  const unanswered = new OpenResponses()
  const upgraded = new Set<Socket>()
  const isAlone = (event: string) => server.listenerCount(event) === 1

  // On a TLS server requests come on the sockets of `secureConnection`.
  server.on("connection", onConnection).on("secureConnection", onConnection)

  const onRequest: RequestListener = (request, response) => {
    toOriginForm(request)
    const place = unanswered.add(response)
    response.on("error", ignore).once("close", () => unanswered.delete(place))
    // When Node ignores an upgrade, it drops bytes that came with the request, so the next request could begin anywhere.
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
  // This listener waits for another one: Node upgrades requests as soon as there is a listener.
  const onNewListener = (event: string | symbol) => {
    if (event !== "upgrade") return
    server.off("newListener", onNewListener)
    server.prependListener("upgrade", onUpgrade)
  }
  server.on("newListener", onNewListener)
  if (server.listenerCount("upgrade") > 0) onNewListener("upgrade")

  // This server is no tunnel to any host, so no method is allowed for CONNECT (RFC 9110 §9.3.6, §10.2.1).
  server.prependListener("connect", (_, socket) => {
    if (isAlone("connect")) refuse(socket, "405 Method Not Allowed", "Allow:")
  })
  const isAnswering = (socket: Duplex) =>
    unanswered.all().some((response) => response.socket === socket && response.headersSent)
  MalformedRequest.listen(server, isAnswering, onRefusal, () => rendering())
  const setRendering = (given: () => Page.Rendering) => {
    rendering = given
  }
  return { unanswered, upgraded, setRendering }
}
