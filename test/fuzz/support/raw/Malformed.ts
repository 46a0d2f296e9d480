/** Bytes that are no HTTP, or HTTP that servers read in different ways. */
import type { Dice } from "../Dice.js"

/** The head of a request and its body, in latin1. */
interface Parts {
  readonly line: string
  readonly headers: ReadonlyArray<string>
  readonly body: string
}

const parse = (bytes: Buffer): Parts => {
  const text = bytes.toString("latin1")
  const [head = "", ...rest] = text.split("\r\n\r\n")
  const [line = "", ...headers] = head.split("\r\n")
  return { line, headers, body: rest.join("\r\n\r\n") }
}

const format = ({ body, headers, line }: Parts): Buffer =>
  Buffer.from(`${[line, ...headers].join("\r\n")}\r\n\r\n${body}`, "latin1")

const requestLines = (line: string): ReadonlyArray<string> => {
  const [method = "GET", target = "/", version = "HTTP/1.1"] = line.split(" ")
  return [
    `${method}  ${target} ${version}`,
    `${method}\t${target}\t${version}`,
    `${method} ${target}`,
    `${method} ${target} HTTP/0.9`,
    `${method} ${target} HTTP/1.0`,
    `${method} ${target} HTTP/1.9`,
    `${method} ${target} HTTP/2.0`,
    `${method} ${target} http/1.1`,
    `${method} ${target} ${version} x`,
    `${method.toLowerCase()} ${target} ${version}`,
    `${method}\0 ${target} ${version}`,
    ` ${line}`,
    `\r\n\r\n${line}`,
    `${method} http://127.0.0.1${target} ${version}`,
    `${method} http://evil.example${target} ${version}`,
    `${method} https://user:pw@evil.example:99999${target} ${version}`,
    `${method} 127.0.0.1:80 ${version}`,
    `CONNECT 127.0.0.1:1 ${version}`,
    `CONNECT ${target} ${version}`,
    `OPTIONS * ${version}`,
    `${method} * ${version}`,
    `${method} ${target}#a ${version}`,
    `${method} //${target} ${version}`,
    `${method} ${target}/../..${target} ${version}`,
    `${method} ${target}?${"a".repeat(20_000)} ${version}`,
    `${method} /%zz%00%ff ${version}`,
    `${method} /\xff\xfe ${version}`,
    `${method} \\health ${version}`,
    `TRACE ${target} ${version}`,
    `${"A".repeat(5_000)} ${target} ${version}`,
    `PRI * HTTP/2.0`
  ]
}

const headers = [
  "Host: evil.example",
  "Host:",
  "Host: a b",
  "Content-Length: 0",
  "Content-Length: 5",
  "Content-Length: 5, 5",
  "Content-Length: -1",
  "Content-Length: +5",
  "Content-Length: 0x5",
  "Content-Length: 99999999999999999999",
  "Content-Length: 1e1",
  "Content-Length:",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked, identity",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: \x0bchunked",
  "Transfer-Encoding:\r\n chunked",
  " folded: value",
  "\tfolded",
  "no colon",
  ": no name",
  "name with space: x",
  "name\0: x",
  "x-value: a\0b",
  "x-value: a\rb",
  "x-value: a\nb: c",
  "x-value: \xff\xfe",
  "x-value: \x7f\x01",
  "Connection: close, keep-alive",
  "Connection: Host",
  "Connection: upgrade",
  "Keep-Alive: timeout=0, max=0",
  "Expect: 100-continue",
  "Expect: something",
  "Upgrade: h2c",
  "HTTP2-Settings: AAMAAABkAAQAAP__",
  "Trailer: x",
  "TE: trailers",
  "Cookie: a=b; c; =; ;;",
  "Authorization: Bearer a\r\nAuthorization: Bearer b",
  "Content-Encoding: gzip",
  "__proto__: x",
  "constructor: x"
]

const chunks = [
  "0\r\n\r\n",
  "zz\r\n",
  "-1\r\n\r\n",
  "FFFFFFFFFFFFFFFFF\r\n",
  "7fffffff\r\na",
  "5\r\nhello",
  "5\r\nhelloX0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\n\r\n",
  `5;${"a".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
  "5\nhello\n0\n\n",
  " 5\r\nhello\r\n0\r\n\r\n",
  "0x5\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\r\nx: y\r\n\r\n",
  "0\r\nHost: evil.example\r\nContent-Length: 5\r\n\r\nhello",
  "1\r\na\r\n".repeat(2_000),
  "0\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n"
]

type Malformation = (bytes: Buffer, dice: Dice) => Buffer

const inHead =
  (change: (parts: Parts, dice: Dice) => Parts): Malformation =>
  (bytes, dice) =>
    format(change(parse(bytes), dice))

const requestLine = inHead((parts, dice) => ({ ...parts, line: dice.pick(requestLines(parts.line)) }))

const insertedHeader = inHead((parts, dice) => {
  const at = dice.int(parts.headers.length + 1)
  const inserted = Array.from({ length: 1 + dice.int(2) }, () => dice.pick(headers))
  return { ...parts, headers: [...parts.headers.slice(0, at), ...inserted, ...parts.headers.slice(at)] }
})

const repeatedHeader = inHead((parts, dice) => ({
  ...parts,
  headers: [...parts.headers, ...(parts.headers.length === 0 ? [] : [dice.pick(parts.headers)])]
}))

const withoutHeader = inHead((parts, dice) => {
  const at = dice.int(Math.max(1, parts.headers.length))
  return { ...parts, headers: parts.headers.filter((_, index) => index !== at) }
})

const hugeHeaders = inHead((parts, dice) => ({
  ...parts,
  headers: [
    ...parts.headers,
    ...dice.pick([
      () => [`x: ${"a".repeat(dice.pick([8_000, 15_900, 20_000, 200_000]))}`],
      () => Array.from({ length: dice.pick([90, 900, 3_000]) }, (_, index) => `x${index}: y`),
      () => [`${"n".repeat(17_000)}: y`],
      () => [`Cookie: ${"a=b; ".repeat(2_500)}`]
    ])()
  ]
}))

const chunkedBody = inHead((parts, dice) => ({
  ...parts,
  headers: [...parts.headers.filter((header) => !/^content-length/i.test(header)), "Transfer-Encoding: chunked"],
  body: dice.pick(chunks)
}))

const lineEnds: Malformation = (bytes, dice) =>
  Buffer.from(bytes.toString("latin1").replaceAll("\r\n", dice.pick(["\n", "\r", "\n\r", "\r\r\n"])), "latin1")

const flippedBytes: Malformation = (bytes, dice) => {
  const copy = Buffer.from(bytes)
  for (let left = 1 + dice.int(4); left > 0; left--) copy[dice.int(copy.length)] = dice.int(256)
  return copy
}

const spliced: Malformation = (bytes, dice) => {
  const [from, to] = [dice.int(bytes.length), dice.int(bytes.length)]
  return Buffer.concat([bytes.subarray(0, from), dice.bytes(dice.int(20)), bytes.subarray(to)])
}

/** A ClientHello of TLS 1.2 as far as a server reads it, the preface of HTTP/2 with its settings, and noise. */
const otherProtocols: Malformation = (bytes, dice) =>
  dice.pick([
    () => Buffer.concat([Buffer.from("160301003f010000b90303", "hex"), dice.bytes(56)]),
    () => Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from("000000040000000000", "hex")]),
    () => Buffer.from("GET /\r\n"),
    () => Buffer.from("GET /health\r\n\r\n"),
    () => Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"),
    () => Buffer.from("\x05\x01\x00", "latin1"),
    () => Buffer.from("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n"),
    () => Buffer.from("\r\n".repeat(1_000)),
    () => Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    () => dice.bytes(1 + dice.int(300)),
    () => Buffer.alloc(0),
    () => bytes
  ])()

const malformations: ReadonlyArray<{ readonly weight: number; readonly change: Malformation }> = [
  { weight: 5, change: requestLine },
  { weight: 6, change: insertedHeader },
  { weight: 2, change: repeatedHeader },
  { weight: 2, change: withoutHeader },
  { weight: 2, change: hugeHeaders },
  { weight: 4, change: chunkedBody },
  { weight: 1, change: lineEnds },
  { weight: 4, change: flippedBytes },
  { weight: 2, change: spliced },
  { weight: 2, change: otherProtocols }
]

/** The request after one malformation, seldom after two. */
export const malformed: Malformation = (bytes, dice) => {
  const once = dice.weighted(malformations).change(bytes, dice)
  return dice.chance(15) && once.length > 0 ? dice.weighted(malformations).change(once, dice) : once
}
