/** A TCP connection on which a test writes bytes as they are, and which it can reset. */
import { connect as connectTo, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

export interface RawConnection {
  readonly socket: Socket
  /** Everything received so far, a byte a character. */
  readonly received: () => string
  readonly write: (data: string | Uint8Array) => void
  /** Waits until the received text contains this; fails when the connection is closed before, or after 10 seconds. */
  readonly until: (text: string) => Promise<string>
  /** Waits for the server to close; answers with everything received. Fails after 10 seconds. */
  readonly closed: () => Promise<string>
  /** Ends the connection by RST. */
  readonly reset: () => void
}

const patience = 10_000

const poll = async (text: () => string, isDone: () => boolean, isOver: () => boolean): Promise<string> => {
  const deadline = Date.now() + patience
  while (!isDone()) {
    if (isOver() || Date.now() > deadline) throw new Error(`waited in vain; received: ${JSON.stringify(text())}`)
    await sleep(5)
  }
  return text()
}

/** Connects to a port of loopback. The connection stays half open when the server ends its half. */
export const connect = (port: number): Promise<RawConnection> =>
  new Promise((resolve, reject) => {
    const socket = connectTo({ port, host: "127.0.0.1", allowHalfOpen: true })
    const chunks: Array<Buffer> = []
    const received = () => Buffer.concat(chunks).toString("latin1")
    let isClosed = false
    const onEnd = () => {
      isClosed = true
    }
    socket
      .on("data", (chunk) => chunks.push(chunk))
      .on("end", onEnd)
      .on("close", onEnd)
      .on("error", reject)
      .on("connect", () =>
        resolve({
          socket,
          received,
          write: (data) => socket.write(data),
          until: (text) =>
            poll(
              received,
              () => received().includes(text),
              () => isClosed
            ),
          closed: () =>
            poll(
              received,
              () => isClosed,
              () => false
            ),
          reset: () => socket.resetAndDestroy()
        })
      )
  })

/** A request with these headers, and `Host`. */
export const request = (line: string, headers: Readonly<Record<string, string>> = {}, body = ""): string =>
  [
    `${line} HTTP/1.1`,
    "Host: 127.0.0.1",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "",
    body
  ].join("\r\n")

/** The headers by which Java's HTTP client and `curl --http2` offer HTTP/2 (RFC 7540 §3.2). */
export const h2c = {
  Connection: "Upgrade, HTTP2-Settings",
  Upgrade: "h2c",
  "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"
}

/** The headers of a WebSocket's handshake (RFC 6455 §1.3). */
export const webSocket = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="
}

/** A text frame of a client, masked with zeros (RFC 6455 §5.2). Shorter than 126 bytes. */
export const frame = (text: string): Uint8Array =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
