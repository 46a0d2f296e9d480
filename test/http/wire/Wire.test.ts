/** The wire: the text of an error in a header, in JSON, and in a redirect. */
import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import { Issuer } from "../../../src/domain/Issuer.js"
import { InsufficientScope, InvalidScope } from "../../../src/domain/OAuthError.js"
import { RedirectUri } from "../../../src/domain/RedirectUri.js"
import * as Wire from "../../../src/http/wire/Wire.js"

const issuer = Issuer.make("https://auth.example")
const anything = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("a", '"', "\\", "\r", "\n", "é") })
)

describe("quoted", () => {
  // PRM-07
  it("any quoted text is one quoted-string (RFC 9110 §5.6.4)", () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(Wire.quoted(text)).toMatch(/^"([\x20-\x21\x23-\x5B\x5D-\x7E]|\\["\\])*"$/)
      })
    )
    expect(Wire.quoted('a"b\\c\r\nX: d')).toBe('"a\\"b\\\\cX: d"')
  })
})

describe("an error", () => {
  it("an error description has only the characters that the RFC allows (RFC 6749 §5.2)", () => {
    fc.assert(
      fc.property(anything, (description) => {
        const error = new InvalidScope({ reason: "Malformed", description })
        const uri = Wire.errorUri(
          { redirectUri: RedirectUri.make("https://client.example/"), state: Option.none() },
          error,
          issuer
        )
        expect(new URL(uri).searchParams.get("error_description") ?? "").toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/)
      })
    )
  })

  it("a challenge is one line for any content (RFC 6750 §3)", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const error = new InsufficientScope({ reason: "ScopeMissing", description: text, required: [text] })
        const answer = Wire.toChallenge(error, { resourceMetadata: `https://api.example/${text}`, scope: [text] })
        expect(answer.headers["www-authenticate"]).toMatch(
          /^Bearer error="insufficient_scope", error_description="[^"\\\r\n]*", scope="(\\["\\]|[^"\\\r\n])*", resource_metadata="(\\["\\]|[^"\\\r\n])*"$/
        )
      })
    )
  })
})
