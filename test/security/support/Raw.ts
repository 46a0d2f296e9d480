/** HTTP/1.1 at the level of bytes: raw requests, and responses with their header lines unchanged. */
import { connect } from "node:net"

/** The header lines. A name may occur more than once. */
export type Headers = ReadonlyArray<readonly [name: string, value: string]>

/** A response as the server sent it. */
export class Answer {
  constructor(
    readonly statusLine: string,
    readonly headers: Headers,
    readonly body: string
  ) {}

  get status(): number {
    return Number(this.statusLine.split(" ")[1])
  }

  /** The values of every header line of this name, whatever its case. */
  all(name: string): ReadonlyArray<string> {
    return this.headers.filter(([own]) => own.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
  }

  /** The value of a header that occurs once; `undefined` if it is absent. Fails if it is repeated. */
  header(name: string): string | undefined {
    const values = this.all(name)
    if (values.length > 1) throw new Error(`the header ${name} occurs ${values.length} times`)
    return values[0]
  }

  /** The body as JSON. */
  json(): Readonly<Record<string, unknown>> {
    return JSON.parse(this.body)
  }

  /** Everything that the client received, as one text. */
  get text(): string {
    return [this.statusLine, ...this.headers.map((line) => line.join(": ")), "", this.body].join("\r\n")
  }
}

/** Everything that was received on one connection. */
export interface Exchange {
  readonly answers: ReadonlyArray<Answer>
  /** All bytes, as Latin-1. */
  readonly bytes: string
  /** Whether the server closed or reset the connection. */
  readonly closed: boolean
}

export interface ExchangeOptions {
  /** Number of responses to wait for; 1 if not given. */
  readonly answers?: number
  /** Address of loopback to connect from, such as `127.0.0.7`: Linux routes all of 127.0.0.0/8. */
  readonly from?: string | undefined
  /** Milliseconds after which the connection is given up; 5,000 if not given. */
  readonly patience?: number
}

const bodyOf = (headers: Headers, rest: string, closed: boolean): { body: string; length: number } | undefined => {
  const value = (name: string) => headers.find(([own]) => own.toLowerCase() === name)?.[1]
  if (value("transfer-encoding")?.toLowerCase() === "chunked") {
    let [at, body] = [0, ""]
    for (;;) {
      const line = rest.indexOf("\r\n", at)
      if (line === -1) return undefined
      const size = Number.parseInt(rest.slice(at, line), 16)
      if (rest.length < line + 2 + size + 2) return undefined
      if (size === 0) return { body, length: line + 4 }
      body += rest.slice(line + 2, line + 2 + size)
      at = line + 2 + size + 2
    }
  }
  const announced = value("content-length")
  if (announced === undefined) return closed ? { body: rest, length: rest.length } : undefined
  const length = Number(announced)
  return rest.length >= length ? { body: rest.slice(0, length), length } : undefined
}

/** The complete responses in what was received so far; responses to HEAD, 204 and 304 have no body. */
const parse = (bytes: string, isHead: boolean, closed: boolean): ReadonlyArray<Answer> => {
  const answers: Array<Answer> = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf("\r\n\r\n")
    if (end === -1) return answers
    const [statusLine = "", ...lines] = rest.slice(0, end).split("\r\n")
    const headers = lines.map((line): readonly [string, string] => {
      const colon = line.indexOf(":")
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
    const status = Number(statusLine.split(" ")[1])
    const hasNone = isHead || status === 204 || status === 304 || status < 200
    const found = hasNone ? { body: "", length: 0 } : bodyOf(headers, rest.slice(end + 4), closed)
    if (found === undefined) return answers
    const body = Buffer.from(found.body, "latin1").toString("utf8")
    if (status >= 200) answers.push(new Answer(statusLine, headers, body))
    rest = rest.slice(end + 4 + found.length)
  }
}

/** Writes bytes (a text is Latin-1) to a port of loopback, and reads until the responses are complete. */
export const exchange = (port: number, bytes: string | Buffer, options: ExchangeOptions = {}): Promise<Exchange> =>
  new Promise((resolve) => {
    const { answers: wanted = 1, from, patience = 5_000 } = options
    const sent = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes
    const isHead = sent.subarray(0, 5).toString("latin1") === "HEAD "
    let received = ""
    const socket = connect({ host: "127.0.0.1", port, ...(from === undefined ? {} : { localAddress: from }) })
    const finish = (closed: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ answers: parse(received, isHead, closed), bytes: received, closed })
    }
    const timer = setTimeout(() => finish(false), patience)
    socket.setEncoding("latin1")
    socket.on("data", (text: string) => {
      received += text
      if (parse(received, isHead, false).length >= wanted) finish(false)
    })
    socket.on("close", () => finish(true))
    // A close event follows every reset.
    socket.on("error", () => {})
    socket.write(sent)
  })

/** A request to be written. Missing parts are those of an ordinary client. */
export interface Request {
  readonly method?: string
  /** Path and query, or another request target, byte for byte. */
  readonly path: string
  /** In this order. `Host`, `Content-Length` and `Connection: close` are added if their names are absent. */
  readonly headers?: Headers | Readonly<Record<string, string>>
  /** A form if it is an object, else sent as it is. */
  readonly body?: string | Readonly<Record<string, string>>
}

/** The bytes of a request to a host: that of the port, if not given. */
export const format = (
  port: number,
  { body, headers = [], method = "GET", path }: Request,
  host = `127.0.0.1:${port}`
): Buffer => {
  const lines: Array<readonly [string, string]> = [...(Array.isArray(headers) ? headers : Object.entries(headers))]
  const add = (name: string, value: string) => {
    if (!lines.some(([own]) => own.toLowerCase() === name.toLowerCase())) lines.push([name, value])
  }
  const content = Buffer.from(typeof body === "object" ? new URLSearchParams(body).toString() : (body ?? ""), "utf8")
  add("Host", host)
  add("Connection", "close")
  if (typeof body === "object") add("Content-Type", "application/x-www-form-urlencoded")
  if (body !== undefined && !lines.some(([name]) => name.toLowerCase() === "transfer-encoding")) {
    add("Content-Length", String(content.length))
  }
  const head = [`${method} ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n")
  return Buffer.concat([Buffer.from(head, "latin1"), content])
}

/** Sends one request on a new connection. Fails without a response. */
export const send = async (
  port: number,
  request: Request,
  options: ExchangeOptions = {},
  host?: string
): Promise<Answer> => {
  const { answers, bytes, closed } = await exchange(port, format(port, request, host), options)
  const [answer] = answers
  if (answer === undefined) {
    throw new Error(`no response to ${request.method ?? "GET"} ${request.path.slice(0, 80)} (${closed}): ${bytes}`)
  }
  return answer
}
