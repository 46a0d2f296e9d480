/** A request as data, in which a mutation can find the parts: what is sent of it is made last. */

export type Pairs = ReadonlyArray<readonly [name: string, value: string]>

export type Body =
  | { readonly type: "none" }
  | { readonly type: "form"; readonly fields: Pairs }
  | { readonly type: "json"; readonly value: unknown }
  | { readonly type: "raw"; readonly bytes: Buffer }

export interface Request {
  readonly method: string
  readonly path: string
  readonly query: Pairs
  readonly headers: Pairs
  readonly body: Body
}

/** A request as node:http sends it. */
export interface Sendable {
  readonly method: string
  readonly target: string
  readonly headers: Pairs
  readonly body: Buffer
}

type Fields = Readonly<Record<string, string | undefined>>

/** The fields that have a value. */
export const pairs = (fields: Fields): Pairs =>
  Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))

export const get = (path: string, query: Pairs = [], headers: Fields = {}): Request => ({
  method: "GET",
  path,
  query,
  headers: pairs(headers),
  body: { type: "none" }
})

export const postForm = (path: string, fields: Pairs, headers: Fields = {}): Request => ({
  method: "POST",
  path,
  query: [],
  headers: [["content-type", "application/x-www-form-urlencoded"], ...pairs(headers)],
  body: { type: "form", fields }
})

export const sendJson = (method: string, path: string, value: unknown, headers: Fields = {}): Request => ({
  method,
  path,
  query: [],
  headers: [["content-type", "application/json"], ...pairs(headers)],
  body: { type: "json", value }
})

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`

/** A surrogate alone becomes U+FFFD here, as in every encoder of UTF-8. */
const encode = (fields: Pairs): string =>
  new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString()

export const bytesOf = (body: Body): Buffer => {
  switch (body.type) {
    case "none":
      return Buffer.alloc(0)
    case "form":
      return Buffer.from(encode(body.fields))
    case "json":
      return Buffer.from(JSON.stringify(body.value) ?? "")
    case "raw":
      return body.bytes
  }
}

/** Characters that node:http refuses to send in a target or a header; raw connections send those. */
const visible = (text: string): string =>
  Buffer.from(text)
    .toString("latin1")
    .replace(/[^\x21-\x7e]/g, "")

const field = (text: string): string =>
  Buffer.from(text)
    .toString("latin1")
    .replace(/[^\x20-\x7e\x80-\xff]/g, "")

export const toSendable = ({ body, headers, method, path, query }: Request): Sendable => ({
  method,
  target: visible(query.length === 0 ? path : `${path}${path.includes("?") ? "&" : "?"}${encode(query)}`) || "/",
  headers: headers.map(([name, value]) => [name, field(value)]),
  body: bytesOf(body)
})

/** The bytes of a request on a connection. */
export const toBytes = (request: Request, host: string): Buffer => {
  const { body, headers, method, target } = toSendable(request)
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body.length > 0 || method === "POST" ? [`Content-Length: ${body.length}`] : [])
  ]
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body])
}

/** Bytes as a report prints them: one line, cut when they are long. */
export const printed = (bytes: Buffer | string, atMost = 1500): string => {
  const text = JSON.stringify(bytes.toString("latin1"))
  return text.length <= atMost ? text : `${text.slice(0, atMost)}… (${bytes.length} bytes)`
}
