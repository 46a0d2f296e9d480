/** A proxy that weakens the server behind it. A control switches a protection off with it. */
import { createServer, request as forward } from "node:http"
import type { AddressInfo } from "node:net"
import type { Headers } from "./Raw.js"

/** A request on its way to the server. The body is Latin-1, which preserves its bytes. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly body: string
}

/** A response on its way to the client. */
export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** The changes that the proxy makes. */
export interface Mutation {
  readonly request?: (request: Sent) => Sent
  readonly answer?: (answer: Received, request: Sent) => Received
}

/** The first value of a header. */
export const header = (headers: Headers, name: string): string | undefined =>
  headers.find(([own]) => own.toLowerCase() === name)?.[1]

/** The headers without these names. */
export const without = (headers: Headers, ...names: ReadonlyArray<string>): Headers =>
  headers.filter(([name]) => !names.includes(name.toLowerCase()))

/** The headers with one set. */
export const withHeader = (headers: Headers, name: string, value: string): Headers => [
  ...without(headers, name.toLowerCase()),
  [name, value]
]

const pairs = (raw: ReadonlyArray<string>): Headers =>
  raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ""] as const] : []))

/** The headers with the length of the present body. */
const flat = (headers: Headers, body: Buffer, hasBody: boolean): Array<string> => [
  ...without(headers, "content-length", "transfer-encoding").flat(),
  ...(hasBody ? ["Content-Length", String(body.length)] : [])
]

const read = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString("latin1")
}

const unchanged = <A>(message: A): A => message

/** Listens on loopback, and forwards to the port that `behind` names once it is known. */
export const open = async ({ answer = unchanged, request = unchanged }: Mutation, behind: () => number) => {
  const server = createServer(async (incoming, outgoing) => {
    const sent = request({
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      headers: pairs(incoming.rawHeaders),
      body: await read(incoming)
    })
    const body = Buffer.from(sent.body, "latin1")
    const outbound = forward({
      host: "127.0.0.1",
      port: behind(),
      method: sent.method,
      path: sent.path,
      headers: flat(sent.headers, body, body.length > 0)
    })
    outbound.on("error", () => outgoing.destroy())
    outbound.on("response", async (inbound) => {
      const original = {
        status: inbound.statusCode ?? 0,
        headers: pairs(inbound.rawHeaders),
        body: await read(inbound)
      }
      const changed = answer(original, sent)
      const content = Buffer.from(changed.body, "latin1")
      const isBodyless = sent.method === "HEAD" || changed.status === 204 || changed.status === 304
      const headers = isBodyless ? [...changed.headers.flat()] : flat(changed.headers, content, true)
      outgoing.writeHead(changed.status, headers)
      outgoing.end(isBodyless ? undefined : content)
    })
    outbound.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
