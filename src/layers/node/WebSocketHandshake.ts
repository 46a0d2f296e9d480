/**
 * The opening handshake of a WebSocket (RFC 6455 §4.2.1), told apart from every other request that offers an upgrade. A
 * server may ignore such an offer (RFC 9110 §7.8); the request is then an ordinary one, and keeps its body.
 */
import { IncomingMessage } from "node:http"

/** 16 bytes in base64 (RFC 6455 §4.1), as strictly as `ws` reads it. */
const key = /^[+/0-9A-Za-z]{22}==$/

/** The token of a header (RFC 9110 §5.6.2). */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Whether a Sec-WebSocket-Protocol header lists tokens, each once (RFC 6455 §4.1). */
const isProtocolList = (header: string): boolean => {
  const names = header.split(",").map((name) => name.trim())
  return names.every((name) => token.test(name)) && new Set(names).size === names.length
}

/** Whether a request opens a WebSocket, and `ws` will accept it: after its refusal an app's handler never ends. */
export const isHandshake = ({ headers, httpVersion, method }: IncomingMessage): boolean =>
  method === "GET" &&
  httpVersion === "1.1" &&
  headers.upgrade?.toLowerCase() === "websocket" &&
  headers["sec-websocket-version"] === "13" &&
  key.test(headers["sec-websocket-key"] ?? "") &&
  (headers["sec-websocket-protocol"] === undefined || isProtocolList(headers["sec-websocket-protocol"])) &&
  // A handshake has no body: its bytes would be read as frames.
  headers["transfer-encoding"] === undefined &&
  Number(headers["content-length"] ?? 0) === 0

/**
 * Makes the class of a server's requests. Node reads `upgrade` to decide whether a request gives its connection to the
 * listeners of `upgrade` and `connect`, or goes to those of `request` (`parserOnIncoming` of `lib/_http_server.js`). Node
 * sets it to true for every offered upgrade once anything listens to `upgrade`, and the platform's adapter always does.
 */
export const requestClass = (webSockets: boolean): typeof IncomingMessage =>
  class Request extends IncomingMessage {
    /** As Node has set `upgrade`. It has no initial value: Node's constructor sets it before a field would get one. */
    declare offersUpgrade: boolean | null

    get upgrade(): boolean {
      return this.offersUpgrade === true && (this.method === "CONNECT" || (webSockets && isHandshake(this)))
    }

    set upgrade(value: boolean | null) {
      this.offersUpgrade = value
    }
  }
