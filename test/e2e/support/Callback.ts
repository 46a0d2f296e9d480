/** A client's own redirect URI on loopback, as a program opens it to hear the answer (RFC 8252 §7.3). */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** A listener, and what it hears. */
export interface Callback {
  readonly redirectUri: string
  /** The parameters of the next answer. */
  readonly next: () => Promise<URLSearchParams>
  readonly close: () => Promise<void>
}

/** Opens a listener on a free port. */
export const open = async (): Promise<Callback> => {
  const heard: Array<URLSearchParams> = []
  const waiting: Array<(parameters: URLSearchParams) => void> = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1")
    response.setHeader("content-type", "text/html; charset=utf-8")
    response.end("<!doctype html><title>Done</title><p>Back at the client.</p>")
    if (url.pathname !== "/callback") return
    const next = waiting.shift()
    if (next === undefined) heard.push(url.searchParams)
    else next(url.searchParams)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    redirectUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    next: () => {
      const parameters = heard.shift()
      return parameters === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(parameters)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
