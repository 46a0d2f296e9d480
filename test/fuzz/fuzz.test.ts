/**
 * The fuzzer finds nothing in the launched server, and finds each fault of a server that was broken for it. This is a
 * short run; `npm run fuzz -- --requests 20000` is the long one.
 */
import { fileURLToPath } from "node:url"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../support/Cli.js"
import type { Answer } from "./support/Answer.js"
import { Dice } from "./support/Dice.js"
import * as Fuzz from "./support/Fuzz.js"
import { mutate } from "./support/Mutations.js"
import * as Oracles from "./support/Oracles.js"
import { postForm } from "./support/Request.js"
import { responses } from "./support/raw/ResponseReader.js"
import { password } from "./support/World.js"

const options = { requests: 400, seed: 1, concurrency: 8, isStrict: false, timeLimit: 240_000 }
const patience = 420_000

describe("the fuzzer", () => {
  it(
    "finds no broken promise in the launched server",
    async () => {
      const { findings, kinds, requests, workingTokens } = await Fuzz.run(options)
      expect(findings).toEqual([])
      expect(requests).toBeGreaterThanOrEqual(options.requests)
      expect(Object.keys(kinds)).toEqual(
        expect.arrayContaining(["authorize", "redeem", "refresh", "mcp", "raw: malformed"])
      )
      expect(workingTokens).toBeGreaterThan(0)
    },
    patience
  )

  describe("with a broken server", () => {
    beforeAll(() => {
      process.env.FAULTY_PROGRAM = Cli.bin
    })
    afterAll(() => {
      delete process.env.FAULTY_PROGRAM
    })

    /** What no statement of the server's leaves behind. */
    const tamper = (database: string) => {
      const db = new Sqlite(database)
      db.prepare("update grants set state = 'Active', redeemed_at = null").run()
      db.prepare("update clients set metadata = json_set(metadata, '$.client_name', ?)").run(password)
      db.close()
    }

    it(
      "reports every kind of broken promise",
      async () => {
        const program = fileURLToPath(new URL("support/faulty.mjs", import.meta.url))
        const { findings } = await Fuzz.run({ ...options, program, tamper })
        const oracles = new Set(findings.map(({ oracle }) => oracle))
        expect([...oracles].sort()).toEqual(
          [
            "headers",
            "log",
            "memory",
            "process",
            "race",
            "reflection",
            "secret",
            "shape",
            "status",
            "storage",
            "time",
            "tokens"
          ].sort()
        )
        const details = findings.map(({ detail }) => detail).join("\n")
        for (const detail of [
          "status 500",
          "took",
          "not JSON",
          "without nosniff",
          "holds markup",
          "unhandled rejection",
          "ended with",
          "two redemptions of one code succeeded",
          "an active grant was redeemed",
          "password (plain) is in latchkey.db",
          "is in the output of start"
        ])
          expect(details).toContain(detail)
        // A finding in one case names it, and its request.
        expect(findings.find(({ oracle }) => oracle === "status")).toMatchObject({
          index: expect.any(Number),
          request: expect.stringContaining("/health")
        })
      },
      patience
    )
  })

  it("makes the same request of the same seed", () => {
    const request = postForm("/token", [["grant_type", "refresh_token"]])
    const make = (index: number) => mutate(request, Dice.ofCase(7, index))
    expect(make(3)).toEqual(make(3))
    expect(new Set(Array.from({ length: 50 }, (_, index) => JSON.stringify(make(index)))).size).toBeGreaterThan(25)
  })
})

describe("the oracle of an answer", () => {
  const answer = (status: number, headers: Readonly<Record<string, string>> = {}, body = ""): Answer => ({
    status,
    headers: Object.entries({ date: "now", ...headers }),
    body,
    millis: 1
  })
  const json = { "content-type": "application/json", "x-content-type-options": "nosniff" }
  const broken = (answer: Answer, path = "/login") => Oracles.check(answer, path).map(({ oracle }) => oracle)

  it.each([
    ["503 with Retry-After where passwords are hashed", answer(503, { "retry-after": "1" }), "/login", []],
    ["503 without Retry-After", answer(503), "/login", ["status", "headers"]],
    ["503 where nothing is hashed", answer(503, { "retry-after": "1" }), "/token", ["status"]],
    ["401 without a challenge", answer(401), "/token", ["headers"]],
    ["405 without Allow", answer(405), "/token", ["headers"]],
    ["429 without Retry-After", answer(429), "/token", ["headers"]],
    ["an error without error", answer(400, json, '{"message":"no"}'), "/token", ["shape"]],
    ["an error of RFC 6749", answer(400, json, '{"error":"invalid_request","error_description":"no"}'), "/token", []],
    [
      "an error of JSON-RPC",
      answer(400, json, '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}'),
      "/mcp",
      []
    ],
    ["tokens that a cache may store", answer(200, json, '{"access_token":"x"}'), "/token", ["shape"]],
    [
      "a page without its policy",
      answer(200, { ...json, "content-type": "text/html" }, "<p>"),
      "/account",
      ["headers"]
    ],
    ["a cookie that scripts can read", answer(200, { ...json, "set-cookie": "a=b" }, "{}"), "/account", ["headers"]],
    ["no response", { ...answer(0), failure: "reset" }, "/token", ["status"]]
  ])("judges %s", (_, answer, path, expected) => {
    expect(broken(answer, path)).toEqual(expected)
  })
})

describe("the reader of raw responses", () => {
  const read = (text: string, closed = false) => responses(Buffer.from(text, "latin1"), closed)

  it("finds pipelined responses with lengths and chunks, and leaves out interim ones", () => {
    const text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab" +
      "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    expect(read(text).map(({ body, status }) => [status, body])).toEqual([
      [200, "ab"],
      [400, "abc"],
      [204, ""]
    ])
  })

  it("waits for the rest of a response, and takes what came when the connection is closed", () => {
    const text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nab"
    expect(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")).toEqual([])
    expect(read(text)).toEqual([])
    expect(read(text, true).map(({ body }) => body)).toEqual(["ab"])
  })
})
