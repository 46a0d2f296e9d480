/** Bodies of node:http, which are read up to the limit. */
import { Readable } from "node:stream"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Parameters from "../../../src/domain/Parameters.js"
import * as Body from "../../../src/http/wire/Body.js"

const form = "application/x-www-form-urlencoded"

/** A request as node:http provides it, with a stream as its body. */
const withStream = (source: Readable): HttpServerRequest.HttpServerRequest =>
  Object.create(HttpServerRequest.fromWeb(new Request("http://localhost/token")), {
    headers: { value: { "content-type": form } },
    source: { value: source }
  })

describe("a body", () => {
  it.effect("a body may arrive in pieces", () =>
    Effect.gen(function* () {
      const pieces = ["a=1&b=%C3", "%A4&c", "=\u00e4"].map((text) => Buffer.from(text))
      const parameters = yield* Body.form(withStream(Readable.from(pieces)))
      expect(["a", "b", "c"].map((name) => Parameters.all(parameters, name))).toEqual([["1"], ["ä"], ["ä"]])
    })
  )

  it.effect("a body of 64 KiB is read", () =>
    Effect.gen(function* () {
      const text = `a=${"x".repeat(Body.limit - 2)}`
      const parameters = yield* Body.form(withStream(Readable.from([Buffer.from(text)])))
      expect(Parameters.all(parameters, "a")[0]).toHaveLength(Body.limit - 2)
    })
  )

  // TOKEN-04
  it.effect("a body over 64 KiB is not read to its end, and its stream stays open for the response", () =>
    Effect.gen(function* () {
      let sent = 0
      const endless = new Readable({
        read() {
          sent += 1
          this.push(Buffer.alloc(16 * 1024, "x"))
        }
      })
      const error = yield* Effect.flip(Body.form(withStream(endless)))
      expect(error._tag).toBe("RequestTooLarge")
      expect(endless.isPaused()).toBe(true)
      expect(endless.destroyed).toBe(false)
      expect(endless.listenerCount("data") + endless.listenerCount("error")).toBe(0)
      expect(sent).toBeLessThan(20)
    })
  )

  it.effect("a body that breaks off is a bad request, and not a defect", () =>
    Effect.gen(function* () {
      const broken = new Readable({
        read() {
          this.push("a=1")
          this.destroy(new Error("reset"))
        }
      })
      const unreadable = { _tag: "InvalidRequest", description: "the body could not be read" }
      expect(yield* Effect.flip(Body.form(withStream(broken)))).toMatchObject(unreadable)
      const aborted = new Readable({
        read() {
          this.destroy()
        }
      })
      expect(yield* Effect.flip(Body.form(withStream(aborted)))).toMatchObject(unreadable)
    })
  )
})
