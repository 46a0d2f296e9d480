/**
 * The parts of MCP's Streamable HTTP transport that the server of @effect/ai does not have (MCP 2025-06-18, Transports): it
 * limits the size of bodies, refuses an operation whose scope is missing with 403 before the server sees it, returns the id of
 * the request, answers notifications with 202, and hides the details of internal errors.
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { InsufficientScope } from "../../domain/OAuthError.js"
import * as Fibers from "../../services/Fibers.js"
import * as Locally from "../../services/Locally.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { CurrentAccess } from "../../services/tokens/CurrentAccess.js"
import * as BearerGuard from "../guard/BearerGuard.js"
import * as Body from "../wire/Body.js"
import * as Wire from "../wire/Wire.js"
import * as JsonRpc from "./JsonRpc.js"
import * as McpHeaders from "./McpHeaders.js"
import * as McpScopes from "./McpScopes.js"

/** The rules of a transport. */
export interface Options {
  readonly operations: McpScopes.Operations
  /** Web pages that may call, beside those of the issuer's origin and those on this computer. */
  readonly origins: ReadonlyArray<string>
  /** The versions of MCP that the server negotiates, newest first. */
  readonly protocolVersions: ReadonlyArray<string>
  /** Maximum size of a body, in bytes. */
  readonly maxBodySize: number
}

/**
 * Fails with `InsufficientScope` if the access token does not have the scopes that the messages of a body need. The type leaves
 * the failure out, because the guard, which runs before this, answers it.
 */
const requireScopes = (
  access: CurrentAccess["Type"] | undefined,
  operations: McpScopes.Operations,
  body: unknown
): Effect.Effect<void> => {
  const needed = McpScopes.needed(operations, body)
  if (needed.length === 0) return Effect.void
  if (access === undefined) return Effect.dieMessage("the transport has no guard")
  const required: Effect.Effect<void, InsufficientScope> = BearerGuard.requireOf(access, needed)
  // @effect-diagnostics-next-line unsafeEffectTypeAssertion:off
  return required as Effect.Effect<void>
}

/**
 * Whether the server may see a call. A message without an id is a notification: the server would run a request without an id,
 * and obeys messages of its own protocol that have none.
 */
const isPassed = ({ id, method }: JsonRpc.Call): boolean => id !== undefined || method.startsWith("notifications/")

/** Whether a resource is missing. The server then returns no contents, but the specification demands an error. */
const isMissing = ({ method }: JsonRpc.Call, result: unknown): boolean =>
  method === "resources/read" &&
  JsonRpc.isObject(result) &&
  Array.isArray(result.contents) &&
  result.contents.length === 0

/**
 * Returns the result of a tool as clients accept it: `structuredContent` is an object (MCP 2025-06-18, Tools). The server puts
 * an array or null there, which its text has too.
 */
const toResult = ({ method }: JsonRpc.Call, result: unknown): unknown => {
  if (method !== "tools/call" || !JsonRpc.isObject(result) || JsonRpc.isObject(result.structuredContent)) return result
  const { structuredContent: _, ...others } = result
  return others
}

/** Whether the server does not know the method of a request. It has no code for this. */
const isUnknownMethod = ({ data }: JsonRpc.Json): boolean =>
  typeof data === "string" && data.startsWith("Unknown request tag")

/** Returns the response of the server with the id of the request and without details of an internal error. */
const toResponse = (call: JsonRpc.Call, response: JsonRpc.Json | undefined): JsonRpc.Json => {
  const { id } = call
  if (response?.error === undefined && response?.result !== undefined)
    return isMissing(call, response.result)
      ? JsonRpc.failed(id, JsonRpc.resourceNotFound)
      : { jsonrpc: "2.0", id, result: toResult(call, response.result) }
  const error = response?.error
  if (!JsonRpc.isObject(error)) return JsonRpc.failed(id, JsonRpc.internalError)
  // Expected errors of the server have a code of JSON-RPC. Any other error is internal.
  if (Number(error.code) < 0) return JsonRpc.failed(id, { code: Number(error.code), message: String(error.message) })
  return JsonRpc.failed(id, isUnknownMethod(error) ? JsonRpc.methodNotFound : JsonRpc.internalError)
}

/** Decodes the response of the server to one call; `undefined` for a notification. */
const decode = ({ body }: HttpServerResponse.HttpServerResponse): JsonRpc.Json | undefined => {
  if (body._tag !== "Uint8Array" || body.body.length === 0) return undefined
  const sent: unknown = JSON.parse(new TextDecoder().decode(body.body))
  const messages: ReadonlyArray<unknown> = Array.isArray(sent) ? sent : [sent]
  return messages.filter(JsonRpc.isObject).find((message) => "result" in message || "error" in message)
}

/** Returns a call as the server accepts it: with arguments, and with a number as id. */
const toServerCall = ({ id, method, params }: JsonRpc.Call) => ({
  jsonrpc: "2.0",
  id: id === undefined ? undefined : 1,
  method,
  params: method === "tools/call" && JsonRpc.isObject(params) ? { arguments: {}, ...params } : params
})

/** Returns the request with another body: the server reads its text. */
const withBody = (request: HttpServerRequest.HttpServerRequest, body: unknown): HttpServerRequest.HttpServerRequest =>
  Object.create(request, { text: { value: Effect.succeed(JSON.stringify(body)) } })

const refused = ({ error, status }: McpHeaders.Refusal): HttpServerResponse.HttpServerResponse =>
  Wire.json(JsonRpc.failed(null, error), { status, headers: Wire.noSniff })

/** Reads the messages of a request, or returns the response that refuses them. */
const read = (
  text: string,
  version: string | undefined,
  versions: ReadonlyArray<string>
): Either.Either<JsonRpc.Sent & { readonly body: unknown }, HttpServerResponse.HttpServerResponse> => {
  const body = Option.liftThrowable(JSON.parse)(text)
  if (Option.isNone(body)) return Either.left(refused({ error: JsonRpc.parseError, status: 400 }))
  const sent = JsonRpc.read(body.value)
  if (Either.isLeft(sent)) return Either.left(refused({ error: sent.left, status: 400 }))
  const unsupported = McpHeaders.refuseVersion(version, versions, sent.right.calls)
  return Option.isSome(unsupported)
    ? Either.left(refused(unsupported.value))
    : Either.right({ ...sent.right, body: body.value })
}

/** The middleware between the guard and the server. */
export const layer = ({ maxBodySize, operations, origins, protocolVersions }: Options) =>
  HttpLayerRouter.middleware(
    Effect.map(ServerSettings, ({ issuer }) => {
      const refuseOrigin = McpHeaders.refuseOrigin(issuer, origins)

      return (server) => {
        /** Returns the response to a call, or nothing for a notification. */
        const answer = (request: HttpServerRequest.HttpServerRequest, call: JsonRpc.Call) =>
          isPassed(call)
            ? Effect.map(
                Locally.withService(server, HttpServerRequest.HttpServerRequest, withBody(request, toServerCall(call))),
                (response) => (call.id === undefined ? [] : [toResponse(call, decode(response))])
              )
            : Effect.succeed([])

        const answerAll = (request: HttpServerRequest.HttpServerRequest, { calls, isBatch }: JsonRpc.Sent) => {
          const [first] = calls
          const all =
            calls.length === 1 && first !== undefined
              ? answer(request, first)
              : Effect.map(
                  Effect.forEach(calls, (call) => answer(request, call)),
                  (answers) => answers.flat()
                )
          return Effect.map(all, (answers) =>
            answers.length === 0
              ? HttpServerResponse.empty({ status: 202, headers: Wire.noSniff })
              : Wire.json(isBatch ? answers : answers[0], { headers: Wire.noSniff })
          )
        }

        return Fibers.withFiber((fiber) => {
          const request = Fibers.service(fiber, HttpServerRequest.HttpServerRequest)
          const access = fiber.currentContext.unsafeMap.get(CurrentAccess.key) as CurrentAccess["Type"] | undefined
          const foreign = refuseOrigin(request.headers.origin)
          if (Option.isSome(foreign)) return Effect.succeed(refused(foreign.value))
          if (request.method !== "POST") return server
          return Effect.matchEffect(Body.json(request, maxBodySize), {
            onFailure: (error) => Effect.succeed(Wire.toJson(error, issuer)),
            onSuccess: (text) => {
              const messages = read(text, request.headers["mcp-protocol-version"], protocolVersions)
              if (Either.isLeft(messages)) return Effect.succeed(messages.left)
              return Effect.zipRight(
                requireScopes(access, operations, messages.right.body),
                answerAll(request, messages.right)
              )
            }
          })
        })
      }
    })
  ).layer
