/**
 * Reads the body of a request, up to a limit. The platform's limit resets the connection, so that a client never learns the
 * reason. Here the client gets a 413, and then the connection is closed.
 */

import type { IncomingMessage } from "node:http"
import type { Readable } from "node:stream"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { RequestTooLarge } from "../../domain/HttpError.js"
import { InvalidRequest } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"

/** Maximum size of a body that our endpoints read, in bytes. */
export const limit = 64 * 1024

const tooLarge = (limit: number) =>
  new RequestTooLarge({ reason: "BodyTooLarge", description: `the body is larger than ${limit} bytes` })

const unreadable = new InvalidRequest({ reason: "MalformedParameter", description: "the body could not be read" })

/** A mistake of the app that hosts the server. The client cannot correct it, so it is a defect. */
const readBefore = Effect.die(
  new Error("the body of the request was read before the request reached Latchkey: pass on a request that was not read")
)

/** The result of reading a body. */
type Bytes = Either.Either<Uint8Array, RequestTooLarge | InvalidRequest>

/** Reads a stream of node:http. It does not read the rest of a body that is too large, and does not break the connection. */
const readNode = (source: Readable, limit: number, done: (bytes: Bytes) => void): void => {
  let first: Buffer | undefined
  const rest: Array<Buffer> = []
  let size = 0
  const onData = (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) {
      source.pause()
      end(Either.left(tooLarge(limit)))
    } else if (first === undefined) first = chunk
    else rest.push(chunk)
  }
  const onEnd = () => end(Either.right(rest.length === 0 ? (first ?? empty) : Buffer.concat([first ?? empty, ...rest])))
  const onError = () => end(Either.left(unreadable))
  const end = (bytes: Bytes) => {
    source.off("data", onData).off("end", onEnd).off("error", onError).off("close", onError)
    done(bytes)
  }
  source.on("data", onData).on("end", onEnd).on("error", onError).on("close", onError)
}

const empty = Buffer.alloc(0)

/** The body of a request of node:http that was read before its handler ran. */
const early = Symbol("latchkey/Body/early")

/** A request of node:http, whose body may have been read. */
interface MaybeRead {
  [early]?: Bytes
}

/** Maximum size of a body that is read before its handler runs, in bytes. Requests of clients are smaller. */
const maxEarly = 16 * 1024

/** Returns whether a request of node:http has a body that `readEarly` reads. */
export const isSmall = ({ headers }: IncomingMessage): boolean => {
  const length = headers["content-length"]
  return length !== undefined && Number(length) <= maxEarly
}

/** Reads the body of a request of node:http, for the handler that runs then: it does not wait for the body. */
export const readEarly = (source: IncomingMessage, done: () => void): void =>
  readNode(source, maxEarly, (bytes) => {
    ;(source as MaybeRead)[early] = bytes
    done()
  })

/** Reads a request of the Fetch standard. */
const readWeb = (source: Request, limit: number): Effect.Effect<Uint8Array, RequestTooLarge | InvalidRequest> =>
  Effect.tryPromise({
    try: async () => {
      const chunks: Array<Uint8Array> = []
      let size = 0
      const reader = source.body?.getReader()
      for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
        size += next.value.length
        if (size > limit) {
          await reader?.cancel()
          return undefined
        }
        chunks.push(next.value)
      }
      return Buffer.concat(chunks)
    },
    catch: () => unreadable
  }).pipe(Effect.flatMap((bytes) => (bytes === undefined ? tooLarge(limit) : Effect.succeed(bytes))))

const read = (request: HttpServerRequest.HttpServerRequest, limit: number) => {
  if (Number(request.headers["content-length"] ?? 0) > limit) return tooLarge(limit)
  const { source } = request
  if (source instanceof Request) return source.bodyUsed || source.body?.locked ? readBefore : readWeb(source, limit)
  const stream = source as IncomingMessage & MaybeRead
  const bytes = stream[early]
  if (bytes !== undefined) return bytes
  // An effect that stops the reading would cost more than the listeners: the close of the connection stops it, too.
  return stream.readableDidRead || stream.readableEnded
    ? readBefore
    : Effect.async<Uint8Array, RequestTooLarge | InvalidRequest>((resume) => readNode(stream, limit, resume))
}

/** Returns the members of a header that is a list (RFC 9110 §5.6.1), in lower case and without empty ones. */
const members = (header: string): ReadonlyArray<string> =>
  header
    .toLowerCase()
    .split(",")
    .flatMap((part) => part.trim() || [])

/**
 * Requires a media type, and a body without a content coding. Neither of the media types that we read defines a parameter,
 * so every parameter is ignored (RFC 2045 §5), also `charset` (RFC 8259 §11): the bytes are decoded as UTF-8, and other bytes
 * are refused. A list may be empty and may have empty members (RFC 9110 §5.6.6, §8.3.1).
 */
const hasMediaType = (request: HttpServerRequest.HttpServerRequest, mediaType: string): boolean => {
  const [type = ""] = (request.headers["content-type"] ?? "").split(";", 1)
  const isPlain = members(request.headers["content-encoding"] ?? "").every((coding) => coding === "identity")
  return isPlain && type.trim().toLowerCase() === mediaType
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Decodes a body, which must be valid UTF-8 (RFC 6749 Appendix B, RFC 8259 §8.1). */
const decode = (bytes: Uint8Array): Either.Either<string, InvalidRequest> =>
  Either.try({ try: () => utf8.decode(bytes), catch: () => unreadable })

/** Reads the body as text, and then what the text says. */
const readAs = <A, E>(
  request: HttpServerRequest.HttpServerRequest,
  mediaType: string,
  parse: (text: string) => Either.Either<A, E>,
  maxSize: number = limit
): Effect.Effect<A, E | InvalidRequest | RequestTooLarge> =>
  hasMediaType(request, mediaType)
    ? Effect.flatMap(read(request, maxSize), (bytes) => Either.flatMap(decode(bytes), parse))
    : new InvalidRequest({ reason: "UnsupportedMediaType", description: `the body is not ${mediaType} in UTF-8` })

const formType = "application/x-www-form-urlencoded"

/** Reads the parameters of a form (RFC 6749 Appendix B). */
export const form = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Parameters.Parameters, InvalidRequest | RequestTooLarge> => readAs(request, formType, Parameters.parse)

/**
 * Reads the parameters of a form, and refuses parameters in the URL: every program on the way may log and store a query
 * (RFC 6749 §2.3.1). Only the parameters in `repeatable` may be repeated (§3.2).
 */
export const formOnly = (
  request: HttpServerRequest.HttpServerRequest,
  repeatable: ReadonlySet<string> = none
): Effect.Effect<Parameters.Parameters, InvalidRequest | RequestTooLarge> =>
  Option.isSome(query(request))
    ? new InvalidRequest({ reason: "ParameterInQuery", description: "send the parameters in the body" })
    : readAs(request, formType, (text) =>
        Either.flatMap(Parameters.parse(text), (parameters) =>
          Either.map(Parameters.refuseRepeated(parameters, repeatable), () => parameters)
        )
      )

const none: ReadonlySet<string> = new Set()

/**
 * Reads the text of a JSON document of at most `maxSize` bytes. A text that begins with a byte order mark is not JSON
 * (RFC 8259 §8.1).
 */
export const json = (
  request: HttpServerRequest.HttpServerRequest,
  maxSize: number = limit
): Effect.Effect<string, InvalidRequest | RequestTooLarge> => readAs(request, "application/json", Either.right, maxSize)

/** Returns the query of a request's URL, without its `?`. */
export const query = (request: HttpServerRequest.HttpServerRequest): Option.Option<string> => {
  const start = request.url.indexOf("?")
  return start === -1 || start === request.url.length - 1 ? Option.none() : Option.some(request.url.slice(start + 1))
}
