/**
 * An HTTP/1.1 client on a raw socket: one keep-alive connection with one request at a time. It does so little that the core of
 * the load serves more than the core of any server.
 */
import * as Net from "node:net"

/** Maximum time for an answer, in milliseconds. */
const answerLimit = 30_000

/** @typedef {{ readonly status: number, readonly head: string, readonly body: string }} Response */
/** @typedef {{ readonly resolve: (response: Response) => void, readonly reject: (error: Error) => void }} Waiter */

/**
 * Reads a chunked body (RFC 9112 §7.1). `undefined` while it is incomplete.
 *
 * @param {string} text
 * @param {number} start
 */
const readChunks = (text, start) => {
  let body = ""
  for (let at = start; ; ) {
    const lineEnd = text.indexOf("\r\n", at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (text.length < next) return undefined
    if (size === 0) return { body, end: next }
    body += text.slice(lineEnd + 2, lineEnd + 2 + size)
    at = next
  }
}

/**
 * Reads one response. `undefined` while it is incomplete.
 *
 * @param {string} text
 * @returns {{ readonly response: Response, readonly isLast: boolean, readonly rest: string } | undefined}
 */
const readResponse = (text) => {
  const headEnd = text.indexOf("\r\n\r\n")
  if (headEnd < 0) return undefined
  const head = text.slice(0, headEnd)
  const lower = head.toLowerCase()
  const status = Number(head.slice(9, 12))
  const isLast = lower.includes("\r\nconnection: close")
  const bodyStart = headEnd + 4
  const length = lower.indexOf("\r\ncontent-length:")
  if (length >= 0) {
    const end = bodyStart + Number.parseInt(lower.slice(length + 17), 10)
    if (text.length < end) return undefined
    return { response: { status, head, body: text.slice(bodyStart, end) }, isLast, rest: text.slice(end) }
  }
  if (lower.includes("\r\ntransfer-encoding: chunked")) {
    const chunks = readChunks(text, bodyStart)
    if (chunks === undefined) return undefined
    return { response: { status, head, body: chunks.body }, isLast, rest: text.slice(chunks.end) }
  }
  return { response: { status, head, body: text.slice(bodyStart) }, isLast, rest: "" }
}

export class Connection {
  /** @param {number} port */
  constructor(port) {
    this.port = port
    /** @type {Net.Socket | undefined} */
    this.socket = undefined
    /** @type {Waiter | undefined} */
    this.waiter = undefined
    this.text = ""
  }

  /** @returns {Promise<void>} */
  open() {
    if (this.socket !== undefined) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const socket = Net.connect({ host: "127.0.0.1", port: this.port, noDelay: true })
      this.socket = socket
      this.text = ""
      socket.setEncoding("latin1")
      socket.setTimeout(answerLimit, () => socket.destroy(new Error(`no answer within ${answerLimit} ms`)))
      socket.once("connect", resolve)
      socket.on("error", (error) => {
        reject(error)
        this.#lost(socket, error)
      })
      socket.on("data", (data) => this.#received(String(data)))
      socket.on("close", () => this.#lost(socket, new Error("connection closed by the server")))
    })
  }

  /**
   * @param {Net.Socket} socket
   * @param {Error} error
   */
  #lost(socket, error) {
    if (this.socket !== socket) return
    this.socket = undefined
    const { waiter } = this
    this.waiter = undefined
    waiter?.reject(error)
  }

  /** @param {string} data */
  #received(data) {
    this.text = this.text === "" ? data : this.text + data
    const read = readResponse(this.text)
    if (read === undefined) return
    this.text = read.rest
    const { waiter } = this
    this.waiter = undefined
    if (read.isLast) this.close()
    waiter?.resolve(read.response)
  }

  /**
   * Sends a request, and resolves with its response. Opens the connection if it is closed.
   *
   * @param {string} text
   * @returns {Promise<Response>}
   */
  async request(text) {
    if (this.socket === undefined) await this.open()
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject }
      this.socket?.write(text, "latin1")
    })
  }

  close() {
    const { socket } = this
    this.socket = undefined
    this.waiter = undefined
    socket?.destroy()
  }
}

/**
 * Returns the values of a header.
 *
 * @param {Response} response
 * @param {string} name
 */
const headers = ({ head }, name) =>
  Array.from(head.matchAll(new RegExp(`\\r\\n${name}:[ \\t]*([^\\r]*)`, "gi")), ([, value = ""]) => value)

/** @param {Response} response */
export const location = (response) =>
  response.status >= 300 && response.status < 400 ? headers(response, "location")[0] : undefined

/**
 * @param {number} port
 * @param {string} path
 * @param {string} [head] Further header lines, each with its line end.
 */
export const get = (port, path, head = "") => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${head}\r\n`

/**
 * @param {number} port
 * @param {string} path
 * @param {"form" | "json"} kind
 * @param {string} body
 * @param {string} [head] Further header lines, each with its line end.
 */
export const post = (port, path, kind, body, head = "") => {
  const type = kind === "json" ? "application/json" : "application/x-www-form-urlencoded"
  const fixed = `Host: 127.0.0.1:${port}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
  return `POST ${path} HTTP/1.1\r\n${fixed}${head}\r\n${body}`
}

/** @param {Readonly<Record<string, string>>} parameters */
export const encode = (parameters) => new URLSearchParams(parameters).toString()

/** The cookies of one browser. Paths and domains are ignored: a browser talks to one server. */
export class Cookies {
  /** @type {Map<string, string>} */
  values = new Map()

  /** @param {Response} response */
  store(response) {
    for (const cookie of headers(response, "set-cookie")) {
      const [pair = ""] = cookie.split(";", 1)
      const at = pair.indexOf("=")
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
      if (value === "" || /max-age=0(;|$)|expires=Thu, 01 Jan 1970/i.test(cookie)) this.values.delete(name)
      else this.values.set(name, value)
    }
  }

  /** Returns the header line, or nothing. */
  header() {
    if (this.values.size === 0) return ""
    return `Cookie: ${Array.from(this.values, ([name, value]) => `${name}=${value}`).join("; ")}\r\n`
  }
}
