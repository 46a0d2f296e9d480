/**
 * MCP's Streamable HTTP transport, as far as @effect/ai's server leaves it to its surroundings: bodies have a limit, a
 * tool that needs more scope is refused as HTTP has it, an answer has the id of its request whatever that was, what asks
 * for no answer gets none, and no fault is told in detail (MCP 2025-06-18, Transports).
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
  /** The scopes that a tool needs, by its name, where these are more than the guard asks for anyway. */
  readonly scopesOf: Readonly<Record<string, ReadonlyArray<string>>>
}

/** Fails when a tool is called that needs more than the access token carries. */
const requireScopes = (
  calls: ReadonlyArray<JsonRpc.Call>,
  { scopesOf }: Options
): Effect.Effect<void, InsufficientScope> => {
  const needed = calls.flatMap(({ method, params }) => {
    const name = method === "tools/call" && JsonRpc.isObject(params) ? String(params.name) : ""
    return Object.hasOwn(scopesOf, name) ? (scopesOf[name] ?? []) : []
  })
  // The guard is outside of this, and has let the request by.
  return Effect.flatMap(
    Effect.serviceOption(CurrentAccess),
    Option.match({
      onNone: () => Effect.dieMessage("the transport is not guarded"),
      onSome: (access) => Effect.provideService(BearerAuth.requireScope(...new Set(needed)), CurrentAccess, access)
    })
  )
}

/** What the server behind this knows how to answer, or to take note of. */
const isKnown = ({ id, method }: JsonRpc.Call): boolean =>
  (id === undefined ? McpSchema.ClientNotificationRpcs : McpSchema.ClientRequestRpcs).requests.has(method)

/** The server answers a resource that it does not have with no contents, where the specification asks for an error. */
const isMissing = ({ method }: JsonRpc.Call, result: unknown): boolean =>
  method === "resources/read" &&
  JsonRpc.isObject(result) &&
  Array.isArray(result.contents) &&
  result.contents.length === 0

/** An answer of the server, under the id of the request and without the inside of a fault. */
const toAnswer = (call: JsonRpc.Call, answer: JsonRpc.Json | undefined): JsonRpc.Json => {
  const { id } = call
  if (answer?.error === undefined && answer?.result !== undefined)
    return isMissing(call, answer.result)
      ? JsonRpc.failed(id, JsonRpc.resourceNotFound)
      : { jsonrpc: "2.0", id, result: answer.result }
  const error = answer?.error
  // The server's expected errors have one of the codes of JSON-RPC; whatever else it says is a fault.
  return JsonRpc.isObject(error) && Number(error.code) < 0
    ? JsonRpc.failed(id, { code: Number(error.code), message: String(error.message) })
    : JsonRpc.failed(id, JsonRpc.internalError)
}

/** What the server said to one call; nothing to a notification. */
const decode = ({ body }: HttpServerResponse.HttpServerResponse): JsonRpc.Json | undefined => {
  if (body._tag !== "Uint8Array" || body.body.length === 0) return undefined
  const answer: unknown = JSON.parse(new TextDecoder().decode(body.body))
  return JsonRpc.isObject(answer) ? answer : undefined
}

/** A call as the server takes it: it wants arguments where there are none, and answers to numbers only. */
const passedOn = ({ id, method, params }: JsonRpc.Call) => ({
  jsonrpc: "2.0",
  id: id === undefined ? undefined : 1,
  method,
  params: method === "tools/call" && JsonRpc.isObject(params) ? { arguments: {}, ...params } : params
})

/** The same request with another body. Its target is not repeated: in absolute form (RFC 9112 §3.2.2) it may be no URL. */
const withBody = (request: HttpServerRequest.HttpServerRequest, issuer: string, body: unknown) =>
  HttpServerRequest.fromWeb(
    new Request(issuer, { method: "POST", headers: request.headers, body: JSON.stringify(body) })
  )

const refused = ({ error, status }: McpHeaders.Refusal) =>
  Effect.succeed(HttpServerResponse.unsafeJson(JsonRpc.failed(null, error), { status }))

const malformed = (error: JsonRpc.ResponseError) => refused({ error, status: 400 })

/** Stands between the guard and the server. */
export const layer = (options: Options) =>
  HttpLayerRouter.middleware(
    Effect.map(ServerSettings, ({ issuer }) => (server) => {
      /** The answers to a call: one, or none. */
      const answer = (request: HttpServerRequest.HttpServerRequest, call: JsonRpc.Call) =>
        isKnown(call)
          ? server.pipe(
              Effect.provideService(HttpServerRequest.HttpServerRequest, withBody(request, issuer, passedOn(call))),
              Effect.map((response) => (call.id === undefined ? [] : [toAnswer(call, decode(response))]))
            )
          : Effect.succeed(call.id === undefined ? [] : [JsonRpc.failed(call.id, JsonRpc.methodNotFound)])

      return Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        if (request.method !== "POST") return yield* server
        const foreign = McpHeaders.refuseOrigin(request.headers.origin, issuer)
        if (Option.isSome(foreign)) return yield* refused(foreign.value)
        const text = yield* Effect.either(Body.json(request))
        if (Either.isLeft(text)) return Wire.toJson(text.left, issuer)
        const body = Option.liftThrowable(JSON.parse)(text.right)
        if (Option.isNone(body)) return yield* malformed(JsonRpc.parseError)
        const sent = JsonRpc.read(body.value)
        if (Either.isLeft(sent)) return yield* malformed(sent.left)

        const { calls, isBatch } = sent.right
        const unspoken = McpHeaders.refuseVersion(request.headers["mcp-protocol-version"], calls)
        if (Option.isSome(unspoken)) return yield* refused(unspoken.value)
        yield* requireScopes(calls, options)
        const answers = (yield* Effect.forEach(calls, (call) => answer(request, call))).flat()
        return answers.length === 0
          ? HttpServerResponse.empty({ status: 202 })
          : HttpServerResponse.unsafeJson(isBatch ? answers : answers[0])
      }).pipe(Effect.map(HttpServerResponse.setHeaders(Wire.noSniff)))
    })
  ).layer
