/** JSON-RPC 2.0: the parts that the transport reads and writes itself. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"

/** An object of JSON. */
export type Json = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Json => Predicate.isRecord(value) && !Array.isArray(value)

/** A request, whose response has its id, or a notification, which has no id and no response. */
export interface Call {
  readonly id: string | number | undefined
  readonly method: string
  readonly params: unknown
}

/** The calls of one message or of a batch. Responses are left out: the server sends no requests. */
export interface Sent {
  readonly calls: ReadonlyArray<Call>
  readonly isBatch: boolean
}

/**
 * Maximum number of messages in a batch. A client batches the few lists that it reads when it connects, or a few tool calls;
 * without a maximum one request of 64 KiB would run 1,500 calls.
 */
export const maxBatch = 32

/** Reads a body. Fails with the error of the response if a part of it is not a message, or if there are too many messages. */
export const read = (body: unknown): Either.Either<Sent, ResponseError> => {
  const messages: ReadonlyArray<unknown> = Array.isArray(body) ? body : [body]
  if (messages.length > maxBatch) return Either.left(batchTooLarge)
  if (messages.length === 0 || !messages.every(isMessage)) return Either.left(invalidRequest)
  const calls = messages.filter(isCall).map(({ id, method, params }) => ({ id, method, params }))
  return Either.right({ calls, isBatch: Array.isArray(body) })
}

const isId = (id: unknown): boolean => id === undefined || typeof id === "string" || typeof id === "number"

const isCall = (message: Json): message is Json & Call => typeof message.method === "string" && isId(message.id)

const isMessage = (value: unknown): value is Json =>
  isObject(value) && (isCall(value) || (value.method === undefined && ("result" in value || "error" in value)))

/** The `error` of a response. */
export interface ResponseError {
  readonly code: number
  readonly message: string
}

/** The error codes of JSON-RPC 2.0 §5.1. */
export const parseError = { code: -32_700, message: "Parse error" }
export const invalidRequest = { code: -32_600, message: "Invalid Request" }
const batchTooLarge = {
  code: invalidRequest.code,
  message: `Invalid Request: a batch holds at most ${maxBatch} messages`
}
export const methodNotFound = { code: -32_601, message: "Method not found" }
/** MCP 2025-06-18, Resources, Error Handling. */
export const resourceNotFound = { code: -32_002, message: "Resource not found" }
export const internalError = { code: -32_603, message: "Internal error" }

/** Returns an error response. */
export const failed = (id: Call["id"] | null, error: ResponseError): Json => ({
  jsonrpc: "2.0",
  id,
  error
})
