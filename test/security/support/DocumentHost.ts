/** Hosts of client ID metadata documents, honest and not, and authorization requests of their clients. */
import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import { OutboundClient, OutboundError } from "../../../src/services/outbound/OutboundClient.js"
import { type Parameters, redirectUri } from "../../flow/support/Server.js"
import { attempt, cookiesSet, loginForm } from "./Login.js"
import type { Answer } from "./Raw.js"
import type { Target } from "./Target.js"
import { cookies, expectPage, query } from "./Walk.js"

/** How a host answers: by itself, or with a text or a JSON value, a status and headers. */
export type Reply =
  | RequestListener
  | {
      readonly body?: unknown
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
    }

/** A host of documents on loopback. */
export interface Host {
  readonly port: number
  readonly origin: string
  /** The requests until now. */
  readonly requests: Array<IncomingMessage>
  /** Publishes a reply at a path, in place of an earlier one. Returns the URL. */
  readonly publish: (path: string, reply: Reply) => string
  /** Publishes a good document at a path, with these members changed. Returns its URL. */
  readonly publishClient: (
    path: string,
    changes?: Readonly<Record<string, unknown>>,
    headers?: Readonly<Record<string, string>>
  ) => string
}

/** A good document of the client `id`, with these members changed. */
export const documentOf = (id: string, changes: Readonly<Record<string, unknown>> = {}) => ({
  client_id: id,
  client_name: "Note Taker",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none",
  ...changes
})

/** Runs `use` with a host of documents on loopback. A path without a reply is answered 404. */
export const hosting = async (use: (host: Host) => Promise<unknown>): Promise<void> => {
  const replies = new Map<string, Reply>()
  const requests: Array<IncomingMessage> = []
  const server = createServer((request, response) => {
    requests.push(request)
    const reply = replies.get(request.url ?? "/") ?? { status: 404 }
    if (typeof reply === "function") {
      reply(request, response)
      return
    }
    const { body = "", headers = {}, status = 200 } = reply
    response.writeHead(status, { "content-type": "application/json", ...headers })
    response.end(typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const publish: Host["publish"] = (path, reply) => {
    replies.set(path, reply)
    return `${origin}${path}`
  }
  const publishClient: Host["publishClient"] = (path, changes, headers = {}) =>
    publish(path, { body: documentOf(`${origin}${path}`, changes), headers })
  try {
    await use({ port, origin, requests, publish, publishClient })
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Headers of a browser in which `ada` is logged in. A server whose own URLs are https has other cookies. */
const headersOf = async (target: Target): Promise<Readonly<Record<string, string>>> => {
  if (!target.issuer.startsWith("https:")) return cookies(await target.person())
  const answer = await attempt(target, await loginForm(target), "ada")
  expect(answer.status).toBe(303)
  return { Cookie: Array.from(cookiesSet(answer), (pair) => pair.join("=")).join("; ") }
}

/** Opens authorization requests of the client `id` in the browser of `ada`. */
export const browserOf = async (target: Target) => {
  const headers = await headersOf(target)
  return async (id: string, parameters: Parameters = {}): Promise<Answer> => {
    const text = await query(target, { client_id: id }, { prompt: "consent", ...parameters })
    return target.http({ path: `/authorize?${text}`, headers }, { patience: 20_000 })
  }
}

/** Opens one authorization request of the client `id` in the browser of `ada`. */
export const ask = async (target: Target, id: string, parameters: Parameters = {}): Promise<Answer> =>
  (await browserOf(target))(id, parameters)

/** Asserts that the client gets an error page and no redirect. */
export const expectRefused = async (target: Target, id: string, parameters: Parameters = {}, what = id) =>
  expectPage(await ask(target, id, parameters), 400, what.slice(0, 100))

/** Asserts that the client gets its consent page. */
export const expectAsked = async (target: Target, id: string, parameters: Parameters = {}, what = id) => {
  const answer = await ask(target, id, parameters)
  expectPage(answer, 200, what.slice(0, 100))
  expect(answer.body, what).toContain("wants to access")
  return answer
}

/**
 * A careless client in place of the guarded one: it connects to loopback for every host, follows redirects, decodes bodies, and
 * knows no limit.
 */
export const careless = Layer.succeed(OutboundClient, {
  get: ({ url }) =>
    Effect.tryPromise({
      try: async () => {
        const response = await fetch(`http://127.0.0.1:${url.port}${url.pathname}`)
        return {
          headers: { ...Object.fromEntries(response.headers), "content-type": "application/json" },
          body: new Uint8Array(await response.arrayBuffer())
        }
      },
      catch: () => new OutboundError({ reason: "Unreachable", detail: "a test" })
    })
}) as Layer.Layer<never>
