/** The guarded client checks certificates by the name of the host. The tests make them with `openssl`. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { answers, certificate, clientOf, get, https } from "./support.js"

const trusted = certificate("keys.example.com")
const others = certificate("other.example.com")

describe("a request", () => {
  it.scopedLive("checks the certificate by the name of the host", () =>
    Effect.gen(function* () {
      const good = yield* https((_, response) => response.end("{}"), trusted)
      const wrong = yield* https((_, response) => response.end("{}"), others)
      const urlOf = (port: number) => `https://keys.example.com:${port}/`
      const client = yield* clientOf({ ca: trusted.cert + others.cert, ...answers("127.0.0.1") })
      expect(yield* get(client, urlOf(good.port))).toBe("{}")
      expect(yield* get(client, urlOf(wrong.port))).toBe("failed: Untrusted")
      const strict = yield* clientOf(answers("127.0.0.1"))
      expect(yield* get(strict, urlOf(good.port))).toBe("failed: Untrusted")
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"
      expect(yield* get(strict, urlOf(good.port))).toBe("failed: Untrusted")
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      // The address has no certificate of its own.
      expect(yield* get(client, `https://127.0.0.1:${good.port}/`)).toBe("failed: Untrusted")
    })
  )
})
