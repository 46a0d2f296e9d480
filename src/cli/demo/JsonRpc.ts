/** JSON-RPC 2.0, as far as an MCP endpoint looks at it before and after the server that answers. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"

/** An object of JSON. */
export type Json = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Json => Predicate.isRecord(value) && !Array.isArray(value)

/** A request, which is answered under its id, or a notification, which has none. */
export interface Call {
  readonly id: string | number | undefined
  readonly method: string
  readonly params: unknown
}

/** What a client sent: one message, or a batch. Its answers to requests of ours are none of these: there are none. */
export interface Sent {
  readonly calls: ReadonlyArray<Call>
  readonly isBatch: boolean
}

/**
 * Maximum number of messages in a batch. A client batches the few lists that it reads when it connects, or one tool call for
 * each of a person's questions; without a cap one request of 64 KiB would run 1,500 calls.
 */
export const maxBatch = 32

/** Reads a body. Fails with the error to answer when something in it is no message, or when there are too many. */
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

/** An answer that is an error. */
export const failed = (id: Call["id"] | null, error: ResponseError): Json => ({
  jsonrpc: "2.0",
  id,
  error
})
