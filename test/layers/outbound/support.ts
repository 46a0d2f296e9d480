/** Servers on loopback that count their connections, and clients with a resolver of the test's own. */
import { createServer as createHttp, type RequestListener } from "node:http"
import { createServer as createHttps } from "node:https"
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Issuer } from "../../../src/domain/Issuer.js"
import type { Outbound } from "../../../src/domain/Settings.js"
import { defaultOutbound } from "../../../src/domain/Settings.js"
import * as GuardedOutboundClient from "../../../src/layers/outbound/GuardedOutboundClient.js"
import { OutboundClient } from "../../../src/services/outbound/OutboundClient.js"
import { ServerSettings } from "../../../src/services/ServerSettings.js"
import { settings } from "../../services/settings.js"
import * as Certificate from "../../support/Certificate.js"

/** A server, its port, and the number of connections that it got. */
export interface Listener {
  readonly port: number
  readonly connections: () => number
}

const listening = (server: Server, host: string, port: number) =>
  Effect.acquireRelease(
    Effect.async<Listener>((resume) => {
      let connections = 0
      const sockets = new Set<Socket>()
      server.on("connection", (socket: Socket) => {
        connections++
        sockets.add(socket)
        socket.on("error", () => {}).once("close", () => sockets.delete(socket))
      })
      Object.assign(server, { sockets })
      server.listen(port, host, () =>
        resume(Effect.succeed({ port: (server.address() as AddressInfo).port, connections: () => connections }))
      )
    }),
    () =>
      Effect.async<void>((resume) => {
        const { sockets } = server as Server & { readonly sockets: ReadonlySet<Socket> }
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
  )

/** A server of http. */
export const http = (handler: RequestListener, host = "127.0.0.1", port = 0) =>
  listening(createHttp(handler), host, port)

/** A server of raw bytes: it sends them to each connection that sent something. */
export const raw = (onData: (socket: Socket) => void) =>
  listening(
    createTcp((socket) => socket.once("data", () => onData(socket))),
    "127.0.0.1",
    0
  )

/** A certificate for a host that signs itself, and its key, in PEM. */
export const certificate = (host: string): Certificate.Certificate => Certificate.make(`DNS:${host}`)

/** A server of https. */
export const https = (handler: RequestListener, own: Certificate.Certificate) =>
  listening(createHttps(own, handler), "127.0.0.1", 0)

export const loopbackIssuer = "http://127.0.0.1:9400"
export const publicIssuer = "https://auth.example.com"

export interface Options extends GuardedOutboundClient.Options {
  readonly issuer?: string
  readonly outbound?: Partial<Outbound>
}

/** A client of a server with this issuer. */
export const clientOf = ({ issuer = loopbackIssuer, outbound = {}, ...options }: Options = {}) =>
  Effect.map(
    Layer.build(
      GuardedOutboundClient.layer(options).pipe(
        Layer.provide(
          Layer.map(settings(Issuer.make(issuer)), (context) =>
            Context.add(context, ServerSettings, {
              ...Context.get(context, ServerSettings),
              outbound: { ...defaultOutbound, ...outbound }
            })
          )
        )
      )
    ),
    Context.get(OutboundClient)
  )

type Client = Context.Tag.Service<OutboundClient>

/** Gets a URL. Returns the body, or the reason of the failure. */
export const get = (client: Client, url: string, maxBytes = 1000) =>
  Effect.match(client.get({ url: new URL(url), accept: "application/json", maxBytes }), {
    onFailure: ({ reason }) => `failed: ${reason}`,
    onSuccess: ({ body }) => new TextDecoder().decode(body)
  })

/** A resolver that gives each answer once, and the last one from then on; and the number of its questions. */
export const answers = (...addresses: ReadonlyArray<ReadonlyArray<string> | string>) => {
  let asked = 0
  return {
    asked: () => asked,
    resolve: async () => {
      const answer = [addresses[Math.min(asked++, addresses.length - 1)] ?? []].flat()
      return answer.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
    }
  }
}
