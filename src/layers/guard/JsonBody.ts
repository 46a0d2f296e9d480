/**
 * Reads the JSON body of a request, up to a limit, and leaves the request as it was: a handler that runs later reads the body
 * again.
 */
import type { IncomingMessage } from "node:http"

/** A parsed body, or the reason why there is none. */
export type JsonBody =
  | { readonly value: unknown; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: "TooLarge" | "NotJson" }

const tooLarge: JsonBody = { problem: "TooLarge" }

/** Parses a text, or its bytes as the servers of the MCP SDK decode them, so that they see the same text. */
export const parse = (text: string | Uint8Array): JsonBody => {
  try {
    return { value: JSON.parse(typeof text === "string" ? text : new TextDecoder().decode(text)) }
  } catch {
    return { problem: "NotJson" }
  }
}

/** A request of node:http. Frameworks on Node read `rawBody` in place of a stream that was read. */
type Source = IncomingMessage & { rawBody?: Buffer }

/** Reads all chunks that a stream has now, up to the limit. */
const chunksOf = (source: IncomingMessage, chunks: Array<Buffer>, limit: number): boolean => {
  let size = chunks.reduce((sum, { length }) => sum + length, 0)
  for (let chunk: Buffer | null = source.read(); chunk !== null; chunk = source.read()) {
    chunks.push(chunk)
    size += chunk.length
    if (size > limit) return false
  }
  return true
}

/**
 * Reads a request of node:http. The bytes go back into the stream before its end is seen, because no one can add bytes to a
 * stream that has ended.
 */
export const ofNode = (source: Source, limit: number): Promise<JsonBody> =>
  new Promise((resolve) => {
    const chunks: Array<Buffer> = []
    const end = (body: JsonBody) => {
      source.off("readable", onReadable).off("end", onEnd).off("close", onClose)
      resolve(body)
    }
    const onEnd = () => end(parse(Buffer.concat(chunks)))
    // The client has closed the connection, and gets no answer.
    const onClose = () => end({ problem: "NotJson" })
    const onReadable = () => {
      if (!chunksOf(source, chunks, limit)) {
        source.pause()
        return end(tooLarge)
      }
      if (!source.complete) return
      const all = Buffer.concat(chunks)
      if (all.length > 0) source.unshift(all)
      source.rawBody = all
      return end(parse(all))
    }
    if (Number(source.headers["content-length"] ?? 0) > limit) return end(tooLarge)
    if (source.readableEnded || source.destroyed) return onClose()
    source.on("readable", onReadable).on("end", onEnd).on("close", onClose)
  })

/** Reads a copy of a request of the Fetch standard. */
export const ofFetch = async (source: Request, limit: number): Promise<JsonBody> => {
  if (Number(source.headers.get("content-length") ?? 0) > limit) return tooLarge
  const chunks: Array<Uint8Array> = []
  let size = 0
  const reader = source.clone().body?.getReader()
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    size += next.value.length
    if (size > limit) {
      // The other copy still waits for its own reader, so this one only stops.
      reader?.cancel().catch(() => {})
      return tooLarge
    }
    chunks.push(next.value)
  }
  return parse(Buffer.concat(chunks))
}
