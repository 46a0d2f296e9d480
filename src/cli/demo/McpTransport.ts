/**
 * The parts of MCP's Streamable HTTP transport that the server of @effect/ai does not have (MCP 2025-06-18, Transports): it
 * limits the size of bodies, refuses a call of a tool whose scope is missing with 403, returns the id of the request, answers
 * notifications with 202, and hides the details of internal errors.
 */
import * as McpSchema from "@effect/ai/McpSchema"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { InsufficientScope } from "../../domain/OAuthError.js"
import * as BearerAuth from "../../http/guard/BearerAuth.js"
import * as Body from "../../http/wire/Body.js"
import * as Wire from "../../http/wire/Wire.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import * as JsonRpc from "./JsonRpc.js"
import * as McpHeaders from "./McpHeaders.js"

export interface Options {
  /** The scopes that a tool needs, by its name, if they are more than the scopes of the guard. */
  readonly scopesOf: Readonly<Record<string, ReadonlyArray<string>>>
}

/** Fails if a called tool needs a scope that the access token does not have. */
const requireScopes = (
  calls: ReadonlyArray<JsonRpc.Call>,
  { scopesOf }: Options
): Effect.Effect<void, InsufficientScope> => {
  const needed = calls.flatMap(({ method, params }) => {
    const name = method === "tools/call" && JsonRpc.isObject(params) ? String(params.name) : ""
    return Object.hasOwn(scopesOf, name) ? (scopesOf[name] ?? []) : []
  })
  // The guard runs before this and has accepted the request.
  return Effect.flatMap(
    Effect.serviceOption(CurrentAccess),
    Option.match({
      onNone: () => Effect.dieMessage("the transport has no guard"),
      onSome: (access) => Effect.provideService(BearerAuth.requireScope(...new Set(needed)), CurrentAccess, access)
    })
  )
}

/** Whether the server knows a request or notification. */
const isKnown = ({ id, method }: JsonRpc.Call): boolean =>
  (id === undefined ? McpSchema.ClientNotificationRpcs : McpSchema.ClientRequestRpcs).requests.has(method)

/** Whether a resource is missing. The server then returns no contents, but the specification demands an error. */
const isMissing = ({ method }: JsonRpc.Call, result: unknown): boolean =>
  method === "resources/read" &&
  JsonRpc.isObject(result) &&
  Array.isArray(result.contents) &&
  result.contents.length === 0

/** Returns the response of the server with the id of the request and without details of an internal error. */
const toResponse = (call: JsonRpc.Call, response: JsonRpc.Json | undefined): JsonRpc.Json => {
  const { id } = call
  if (response?.error === undefined && response?.result !== undefined)
    return isMissing(call, response.result)
      ? JsonRpc.failed(id, JsonRpc.resourceNotFound)
      : { jsonrpc: "2.0", id, result: response.result }
  const error = response?.error
  // Expected errors of the server have a code of JSON-RPC. Any other error is internal.
  return JsonRpc.isObject(error) && Number(error.code) < 0
    ? JsonRpc.failed(id, { code: Number(error.code), message: String(error.message) })
    : JsonRpc.failed(id, JsonRpc.internalError)
}

/** Decodes the response of the server to one call; `undefined` for a notification. */
const decode = ({ body }: HttpServerResponse.HttpServerResponse): JsonRpc.Json | undefined => {
  if (body._tag !== "Uint8Array" || body.body.length === 0) return undefined
  const response: unknown = JSON.parse(new TextDecoder().decode(body.body))
  return JsonRpc.isObject(response) ? response : undefined
}

/** Returns a call as the server accepts it: with arguments, and with a number as id. */
const toServerCall = ({ id, method, params }: JsonRpc.Call) => ({
  jsonrpc: "2.0",
  id: id === undefined ? undefined : 1,
  method,
  params: method === "tools/call" && JsonRpc.isObject(params) ? { arguments: {}, ...params } : params
})

/** Returns the request with another body and another target: a target in absolute form (RFC 9112 §3.2.2) may not be a URL. */
const withBody = (request: HttpServerRequest.HttpServerRequest, issuer: string, body: unknown) =>
  HttpServerRequest.fromWeb(
    new Request(issuer, { method: "POST", headers: request.headers, body: JSON.stringify(body) })
  )

const refused = ({ error, status }: McpHeaders.Refusal) =>
  Effect.succeed(HttpServerResponse.unsafeJson(JsonRpc.failed(null, error), { status }))

const malformed = (error: JsonRpc.ResponseError) => refused({ error, status: 400 })

/** The middleware between the guard and the server. */
export const layer = (options: Options) =>
  HttpLayerRouter.middleware(
    Effect.map(ServerSettings, ({ issuer }) => (server) => {
      /** Returns the response to a call, or nothing for a notification. */
      const answer = (request: HttpServerRequest.HttpServerRequest, call: JsonRpc.Call) =>
        isKnown(call)
          ? server.pipe(
              Effect.provideService(HttpServerRequest.HttpServerRequest, withBody(request, issuer, toServerCall(call))),
              Effect.map((response) => (call.id === undefined ? [] : [toResponse(call, decode(response))]))
            )
          : Effect.succeed(call.id === undefined ? [] : [JsonRpc.failed(call.id, JsonRpc.methodNotFound)])

      return Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        if (request.method !== "POST") return yield* server
        const otherOrigin = McpHeaders.refuseOrigin(request.headers.origin, issuer)
        if (Option.isSome(otherOrigin)) return yield* refused(otherOrigin.value)
        const text = yield* Effect.either(Body.json(request))
        if (Either.isLeft(text)) return Wire.toJson(text.left, issuer)
        const body = Option.liftThrowable(JSON.parse)(text.right)
        if (Option.isNone(body)) return yield* malformed(JsonRpc.parseError)
        const sent = JsonRpc.read(body.value)
        if (Either.isLeft(sent)) return yield* malformed(sent.left)

        const { calls, isBatch } = sent.right
        const unsupported = McpHeaders.refuseVersion(request.headers["mcp-protocol-version"], calls)
        if (Option.isSome(unsupported)) return yield* refused(unsupported.value)
        yield* requireScopes(calls, options)
        const answers = (yield* Effect.forEach(calls, (call) => answer(request, call))).flat()
        return answers.length === 0
          ? HttpServerResponse.empty({ status: 202 })
          : HttpServerResponse.unsafeJson(isBatch ? answers : answers[0])
      }).pipe(Effect.map(HttpServerResponse.setHeaders(Wire.noSniff)))
    })
  ).layer
