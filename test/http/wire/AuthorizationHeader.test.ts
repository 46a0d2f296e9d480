/** Repeated headers are found in the raw headers, because Node hides them. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { refuseRepeated } from "../../../src/http/wire/AuthorizationHeader.js"

/** A request as node:http provides it: the headers, and the raw headers that were sent. */
const withRawHeaders = (...rawHeaders: ReadonlyArray<string>): HttpServerRequest.HttpServerRequest =>
  Object.create(HttpServerRequest.fromWeb(new Request("http://localhost/token")), { source: { value: { rawHeaders } } })

describe("refuseRepeated", () => {
  // RS-03, META-11
  it.effect("a repeated header that may be sent once is refused (RFC 9110 §5.3)", () =>
    Effect.gen(function* () {
      for (const name of ["Authorization", "Host", "Content-Type", "DPoP"]) {
        for (const [first, second] of [
          [name, name],
          [name.toLowerCase(), name.toUpperCase()]
        ] as const) {
          const request = withRawHeaders(first, "x", "Accept", "*/*", second, "x")
          const error = yield* Effect.flip(refuseRepeated(request))
          expect(error).toMatchObject({ _tag: "InvalidRequest", reason: "RepeatedHeader" })
        }
      }
    })
  )

  it.effect("other repeated headers, and values that equal a header's name, are accepted", () =>
    Effect.gen(function* () {
      const request = withRawHeaders("Accept", "authorization", "Accept", "host", "Authorization", "Host", "Host", "x")
      expect(Either.isRight(yield* Effect.either(refuseRepeated(request)))).toBe(true)
    })
  )
})
