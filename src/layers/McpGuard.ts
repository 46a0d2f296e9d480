/**
 * The guard of an MCP server that is made with the packages of the MCP SDK, as a middleware of Express or Hono. It refuses a
 * call of a tool whose scope is missing before the server sees it, and gives the server the access of the caller.
 *
 * @example
 * import { expressGuard } from "latchkey/McpGuard"
 * import * as MemoryStorage from "latchkey/MemoryStorage"
 * import * as WebHandler from "latchkey/WebHandler"
 *
 * const auth = WebHandler.make(
 *   {
 *     issuer: "https://notes.example.com",
 *     resources: [
 *       {
 *         uri: "https://notes.example.com/mcp",
 *         scopes: { "notes:read": "Read your notes", "notes:write": "Write notes" }
 *       }
 *     ]
 *   },
 *   MemoryStorage.layer
 * )
 *
 * // app.use("/mcp", guard)
 * export const guard = expressGuard(auth.guard({ scopes: ["notes:read"], tools: { add_note: ["notes:write"] } }))
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as JsonRpc from "../http/mcp/JsonRpc.js"
import { defaultMaxBodySize } from "../http/mcp/McpAuth.js"
import type { Access, Checked, CheckRequest, GuardedRequest } from "./Guard.js"
import * as JsonBody from "./guard/JsonBody.js"
import * as RequestHeaders from "./guard/RequestHeaders.js"

/** The access of a request in the form of the MCP SDK, which its servers pass on to their tools. */
export interface AuthInfo {
  token: string
  clientId: string
  scopes: Array<string>
  /** The expiry of the token, in seconds since 1970. */
  expiresAt: number
  /** The guarded resource (RFC 8707). */
  resource: URL
  extra: { readonly subject: string; readonly principal: Access["principal"] }
}

export interface Options {
  /** Maximum size of the body of a request whose messages are checked, in bytes: 4 MiB if not given. */
  readonly maxBodySize?: number | undefined
}

/** A request of Express, or of another framework on node:http. */
export interface ExpressRequest extends IncomingMessage {
  /** The path before Express removed that of the middleware. */
  readonly originalUrl?: string
  // biome-ignore lint/suspicious/noExplicitAny: the type of Express.
  body?: any
  auth?: AuthInfo
}

/** A middleware of Express and Connect. */
export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void
) => void

/** The part of Hono's context that the guard uses. */
export interface HonoContext {
  readonly req: { readonly raw: Request; json(): Promise<unknown> }
  set(key: "auth", value: AuthInfo): void
}

/** A middleware of Hono. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>

/** A response of JSON-RPC to a request whose body cannot be checked. */
const malformed = ({ problem }: JsonBody.JsonBody, limit: number): Response =>
  problem === "TooLarge"
    ? Response.json(
        JsonRpc.failed(null, {
          code: JsonRpc.invalidRequest.code,
          message: `Invalid Request: the body is larger than ${limit} bytes`
        }),
        { status: 413, headers: { connection: "close" } }
      )
    : Response.json(JsonRpc.failed(null, JsonRpc.parseError), { status: 400 })

/** Checks a request: first its token, and then the scopes of its messages. A body is read only for a token that passes. */
const check = async (
  guard: CheckRequest,
  request: GuardedRequest & { readonly method?: string | undefined },
  readBody: () => Promise<JsonBody.JsonBody>,
  limit: number
): Promise<Checked> => {
  const checked = await guard(request)
  if (checked.response !== undefined || !guard.hasOperations || request.method !== "POST") return checked
  const body = await readBody()
  if (body.problem !== undefined) return { response: malformed(body, limit) }
  const scopes = guard.scopesOf(body.value)
  return scopes.length === 0 ? checked : guard(request, ...scopes)
}

/** Returns the access of a request in the form of the MCP SDK. */
const authInfo = (access: Access, request: GuardedRequest): AuthInfo => ({
  token: RequestHeaders.tokenOf(request),
  clientId: access.clientId,
  scopes: [...access.scope],
  expiresAt: Math.floor(access.expiresAt.getTime() / 1000),
  resource: new URL(access.resource),
  extra: { subject: access.subject, principal: access.principal }
})

const send = async (from: Response, to: ServerResponse): Promise<void> => {
  to.writeHead(from.status, Object.fromEntries(from.headers))
  to.end(Buffer.from(await from.arrayBuffer()))
}

/**
 * Returns the body of a request of Express. If a body parser has read the stream, this is what it left in `body`: an object, or
 * the text of one. A parser that has not read the stream leaves `{}` there, so the stream counts.
 */
const expressBody = async (request: ExpressRequest, limit: number): Promise<JsonBody.JsonBody> => {
  if (!request.readableDidRead) {
    const body = await JsonBody.ofNode(request, limit)
    if (body.problem === undefined) request.body = body.value
    return body
  }
  if (request.body === undefined) {
    throw new Error("the body of the request was read before the guard, and `req.body` is not set: use the guard first")
  }
  return typeof request.body === "string" || request.body instanceof Uint8Array
    ? JsonBody.parse(request.body)
    : { value: request.body }
}

/**
 * Returns a guard as a middleware of Express, to use in front of the MCP server: it sets `req.auth` for the SDK's transport, and
 * `req.body` to the parsed body if the guard has `tools`, `prompts` or `methods`.
 */
export const expressGuard =
  (guard: CheckRequest, { maxBodySize = defaultMaxBodySize }: Options = {}): ExpressMiddleware =>
  (request, response, next) => {
    const guarded = async () => {
      const checked = await check(guard, request, () => expressBody(request, maxBodySize), maxBodySize)
      if (checked.response !== undefined) return send(checked.response, response)
      request.auth = authInfo(checked.access, request)
      next()
    }
    guarded().catch(next)
  }

/** Returns the body of a request of Hono, which keeps what a handler before the guard has read. */
const honoBody = async ({ req }: HonoContext, limit: number): Promise<JsonBody.JsonBody> =>
  req.raw.bodyUsed ? { value: await req.json() } : JsonBody.ofFetch(req.raw, limit)

/**
 * Returns a guard as a middleware of Hono, to use in front of the MCP server: `c.get("auth")` is the access for the SDK's
 * transport.
 */
export const honoGuard =
  (guard: CheckRequest, { maxBodySize = defaultMaxBodySize }: Options = {}): HonoMiddleware =>
  async (context, next) => {
    const request = context.req.raw
    const checked = await check(guard, request, () => honoBody(context, maxBodySize), maxBodySize)
    if (checked.response !== undefined) return checked.response
    context.set("auth", authInfo(checked.access, request))
    await next()
    return undefined
  }

/**
 * Returns a middleware of Express that serves the metadata of the guard's resource (RFC 9728), to use for the whole app. An app
 * whose `WebHandler` answers other paths needs none.
 */
export const expressMetadata =
  (guard: CheckRequest): ExpressMiddleware =>
  (request, response, next) => {
    const { headers, method, originalUrl, url } = request
    const answer = async () => {
      const found = await guard.metadata({ headers, method, url: originalUrl ?? url })
      return found === undefined ? next() : send(found, response)
    }
    answer().catch(next)
  }

/** As `expressMetadata`, for Hono: `app.use(honoMetadata(guard))`. */
export const honoMetadata =
  (guard: CheckRequest): HonoMiddleware =>
  async ({ req }, next) => {
    const found = await guard.metadata(req.raw)
    if (found === undefined) await next()
    return found
  }
