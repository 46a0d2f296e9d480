/** Generates raw connections: well-formed requests in unusual pieces, malformed ones, and resets in every state. */
import { createHash } from "node:crypto"
import type { Dice } from "../Dice.js"
import { basic, get, postForm, type Request, sendJson, toBytes } from "../Request.js"
import type { World } from "../World.js"
import { malformed } from "./Malformed.js"
import type { Script, Step } from "./Script.js"

/** A well-formed request with what earlier cases hold. */
const someRequest = (world: World, dice: Dice): Request => {
  const client = world.clients.peek(dice)
  const token = world.tokens.peek(dice)
  const cookie = Array.from(world.visitors.peek(dice)?.cookies ?? [], (pair) => pair.join("=")).join("; ") || "a=b"
  const id = client?.id ?? "nobody"
  const forwarded = { "x-forwarded-for": dice.address() }
  const authorization = `Bearer ${token?.access ?? "lk_at_none"}`
  return dice.pick([
    () => get("/health"),
    () => get("/"),
    () => get("/.well-known/oauth-authorization-server"),
    () => get("/account", [], { cookie, ...forwarded }),
    () =>
      get(
        "/authorize",
        [
          ["client_id", id],
          ["response_type", "code"],
          ["redirect_uri", client?.redirectUri ?? ""]
        ],
        { cookie }
      ),
    () => get("/api/account", [], { authorization }),
    () =>
      postForm(
        "/token",
        [
          ["grant_type", "refresh_token"],
          ["refresh_token", "lk_rt_none"],
          ["client_id", id]
        ],
        forwarded
      ),
    () => postForm("/revoke", [["token", "x"]], { authorization: basic(id, client?.secret ?? "x") }),
    () =>
      postForm("/introspect", [["token", token?.access ?? "x"]], {
        authorization: basic(world.operator.id, world.operator.secret ?? "")
      }),
    () =>
      postForm(
        "/login",
        [
          ["form", world.forms.peek(dice) ?? "x"],
          ["username", "nobody"],
          ["password", "x"]
        ],
        { origin: world.issuer, cookie, ...forwarded }
      ),
    () =>
      sendJson(
        "POST",
        "/register",
        { client_name: dice.word(5), redirect_uris: ["https://client.example/callback"] },
        forwarded
      ),
    () =>
      sendJson(
        "POST",
        "/mcp",
        { jsonrpc: "2.0", id: 1, method: "tools/list" },
        { authorization, accept: "application/json, text/event-stream" }
      )
  ])()
}

const write = (bytes: Buffer | string): Step => ({ write: Buffer.from(bytes as string, "latin1") })
const awaitByte: Step = { awaitMillis: 500, what: "byte" }

/** The bytes in several writes, with pauses between them. */
const inPieces = (bytes: Buffer, dice: Dice): ReadonlyArray<Step> => {
  const cuts = Array.from({ length: 1 + dice.int(6) }, () => dice.int(bytes.length)).sort((a, b) => a - b)
  return [...cuts, bytes.length].flatMap(
    (cut, index): ReadonlyArray<Step> => [
      { pauseMillis: dice.int(8) },
      { write: bytes.subarray(cuts[index - 1] ?? 0, cut) }
    ]
  )
}

const trickle = (bytes: Buffer, dice: Dice): Script => ({ name: "in pieces", steps: inPieces(bytes, dice), answers: 1 })

/** node:http takes the end of the client's half for the end of its interest: no response need come. */
const halfClosed = (bytes: Buffer): Script => ({
  name: "half-closed",
  steps: [{ write: bytes }, { end: true }],
  answers: 0
})

const http10 = (bytes: Buffer): Script => ({
  name: "HTTP/1.0",
  steps: [write(bytes.toString("latin1").replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n"))],
  answers: 1
})

const expectContinue = (bytes: Buffer, dice: Dice): Script => {
  const [head = "", body = ""] = bytes.toString("latin1").split("\r\n\r\n")
  const isHeld = dice.chance(50)
  return {
    name: "Expect: 100-continue",
    steps: [write(`${head}\r\nExpect: 100-continue\r\n\r\n`), ...(isHeld ? [awaitByte] : []), write(body)],
    answers: 1
  }
}

/** Offers of another protocol: the server does not take them up, and the request stays what it is (RFC 9110 §7.8). */
const upgrades = (dice: Dice): string =>
  dice.pick([
    "Connection: Upgrade\r\nUpgrade: x",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${createHash("md5").update(dice.word(4)).digest("base64")}`,
    "Connection: keep-alive, Upgrade\r\nUpgrade: TLS/1.2, HTTP/3"
  ])

const withHeaders = (bytes: Buffer, lines: string): Buffer =>
  Buffer.from(bytes.toString("latin1").replace("\r\n", `\r\n${lines}\r\n`), "latin1")

const upgrade = (bytes: Buffer, dice: Dice): Script => ({
  name: "Upgrade",
  steps: [{ write: withHeaders(bytes, upgrades(dice)) }],
  answers: 1
})

/** Ends the connection by RST in a state of it that the dice choose. */
const reset = (bytes: Buffer, dice: Dice): Script => {
  const head = bytes.indexOf("\r\n\r\n") + 4
  const pause: Step = { pauseMillis: dice.pick([0, 1, 5, 20]) }
  const part = (end: number): ReadonlyArray<Step> => [{ write: bytes.subarray(0, end) }, pause]
  const upgraded: Step = { write: withHeaders(bytes, upgrades(dice)) }
  const [name, steps] = dice.pick<readonly [string, ReadonlyArray<Step>]>([
    ["before the headers", [pause]],
    ["in the headers", part(1 + dice.int(head - 1))],
    ["in the body", part(Math.min(bytes.length, head + dice.int(20)))],
    ["before the answer", [{ write: bytes }]],
    ["a moment after the request", part(bytes.length)],
    ["in the answer", [write(Buffer.concat([bytes, bytes, bytes])), awaitByte]],
    ["after the answer", [{ write: bytes }, { awaitMillis: 500, what: "response" }]],
    ["after an upgrade", [upgraded, pause]],
    ["at once after an upgrade", [upgraded]],
    ["after an upgrade and bytes of it", [upgraded, pause, { write: dice.bytes(50) }, pause]],
    ["after CONNECT", [write("CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n\r\n"), pause, write("x")]],
    ["after Expect", [{ write: withHeaders(bytes, "Expect: 100-continue") }, pause]],
    ["in chunks", [write("POST /token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), pause]],
    ["after half-close", [{ write: bytes }, { end: true }, pause]],
    [
      "with more than is read",
      [write("POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n"), write("a".repeat(300_000)), pause]
    ]
  ])
  return { name: `reset ${name}`, steps: [...steps, { reset: true }], answers: 0 }
}

/** Bytes that are no request, or no clear one; whether a response comes is the server's choice. */
const broken = (bytes: Buffer, dice: Dice): Script => {
  const changed = malformed(bytes, dice)
  const written: ReadonlyArray<Step> =
    dice.chance(10) && changed.length > 0 ? inPieces(changed, dice) : [{ write: changed }]
  const ending = dice.int(4)
  return {
    name: "malformed",
    steps: [
      ...written,
      ...(ending === 0 ? [{ end: true } as const] : ending === 1 ? [{ pauseMillis: 3 }, { reset: true } as const] : [])
    ],
    answers: 0
  }
}

/** Head alone, or part of it: nothing follows while others are answered. */
const unfinished = (bytes: Buffer, dice: Dice): Script => ({
  name: "unfinished",
  steps: [
    { write: bytes.subarray(0, 1 + dice.int(bytes.length - 1)) },
    ...(dice.chance(50) ? [{ end: true } as const] : [])
  ],
  answers: 0
})

const shapes: ReadonlyArray<{ readonly weight: number; readonly make: (bytes: Buffer, dice: Dice) => Script }> = [
  { weight: 30, make: broken },
  { weight: 20, make: reset },
  { weight: 5, make: trickle },
  { weight: 4, make: halfClosed },
  { weight: 3, make: http10 },
  { weight: 3, make: expectContinue },
  { weight: 5, make: upgrade },
  { weight: 5, make: unfinished }
]

/** Asks whether the server lives. */
export const health = (host: string): Script => ({
  name: "raw: health afterwards",
  steps: [{ write: toBytes(get("/health"), host) }],
  answers: 1
})

/** A connection for a run. */
export const generate = (world: World, dice: Dice, host: string): Script => {
  const bytes = () => toBytes(someRequest(world, dice), host)
  if (dice.chance(8)) {
    const all = Array.from({ length: 2 + dice.int(5) }, bytes)
    return { name: "pipelined", steps: [{ write: Buffer.concat(all) }], answers: all.length }
  }
  return dice.weighted(shapes).make(bytes(), dice)
}
