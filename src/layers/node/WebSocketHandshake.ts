/**
 * Recognises the opening handshake of a WebSocket (RFC 6455 §4.2.1). A server may ignore every other offer of an upgrade
 * (RFC 9110 §7.8): then the request is an ordinary one and keeps its body.
 */
import { IncomingMessage } from "node:http"

/** 16 bytes in base64 (RFC 6455 §4.1). `ws` is as strict. */
const key = /^[+/0-9A-Za-z]{22}==$/

/** The token of a header (RFC 9110 §5.6.2). */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Returns whether a Sec-WebSocket-Protocol header lists tokens without repetition (RFC 6455 §4.1). */
const isProtocolList = (header: string): boolean => {
  const names = header.split(",").map((name) => name.trim())
  return names.every((name) => token.test(name)) && new Set(names).size === names.length
}

/** Returns whether a request opens a WebSocket and `ws` accepts it. If `ws` refused it, the handler of the app would never end. */
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
