/** Reads the responses out of the bytes of a connection (RFC 9112). */
import type { Pairs } from "../Request.js"

export interface Response {
  readonly status: number
  readonly headers: Pairs
  readonly body: string
}

interface Read {
  readonly response: Response
  readonly end: number
}

/** Where a chunked body ends, and what it holds; `undefined` when it is not whole. */
const readChunks = (bytes: Buffer, start: number): { readonly body: Buffer; readonly end: number } | undefined => {
  const chunks: Array<Buffer> = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16)
    const end = lineEnd + 2 + size + 2
    if (Number.isNaN(size) || end > bytes.length) return undefined
    if (size === 0) return { body: Buffer.concat(chunks), end }
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = end
  }
}

const readOne = (bytes: Buffer, start: number, closed: boolean): Read | undefined => {
  const headEnd = bytes.indexOf("\r\n\r\n", start)
  if (headEnd === -1) return undefined
  const [statusLine = "", ...lines] = bytes.toString("latin1", start, headEnd).split("\r\n")
  const status = Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(statusLine)?.[1] ?? Number.NaN)
  const headers = lines.map((line) => {
    const colon = line.indexOf(":")
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
  })
  const find = (name: string) => headers.find(([other]) => other.toLowerCase() === name)?.[1]
  const bodyStart = headEnd + 4
  const whole = (body: Buffer, end: number): Read => ({ response: { status, headers, body: body.toString() }, end })
  if (status < 200 || status === 204 || status === 304) return whole(Buffer.alloc(0), bodyStart)
  if (find("transfer-encoding") === "chunked") {
    const chunks = readChunks(bytes, bodyStart)
    return chunks === undefined ? undefined : whole(chunks.body, chunks.end)
  }
  const length = find("content-length")
  if (length === undefined)
    return closed || find("connection") === "close" ? whole(bytes.subarray(bodyStart), bytes.length) : undefined
  const end = bodyStart + Number(length)
  // The answer to a HEAD has a length and no body; another response or nothing follows it.
  if (end > bytes.length && (closed || bytes.toString("latin1", bodyStart, bodyStart + 5) === "HTTP/")) {
    return whole(Buffer.alloc(0), bodyStart)
  }
  return end > bytes.length ? undefined : whole(bytes.subarray(bodyStart, end), end)
}

/** The whole responses so far; interim ones (1xx) are left out. */
export const responses = (bytes: Buffer, closed: boolean): ReadonlyArray<Response> => {
  const found: Array<Response> = []
  let at = 0
  while (at < bytes.length) {
    const read = readOne(bytes, at, closed)
    if (read === undefined) break
    if (!(read.response.status < 200)) found.push(read.response)
    at = read.end
  }
  return found
}
