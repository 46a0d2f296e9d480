/** An issuer has exactly one spelling, because clients compare it as a string. */
import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Issuer from "../../src/domain/Issuer.js"

const isIssuer = (text: string) => Either.isRight(Schema.decodeEither(Issuer.Issuer)(text))

describe("an issuer", () => {
  it("an issuer is an https URL, or http on loopback, in the form of URL parsers (RFC 8414 §2)", () => {
    const good = [
      "https://auth.example",
      "https://auth.example:8443",
      "https://auth.example/tenant",
      "https://auth.example/a/tenant.1_~-",
      "http://localhost:3000",
      "http://127.0.0.1:3000/x",
      "http://[::1]:3000"
    ]
    for (const text of good) expect(isIssuer(text), text).toBe(true)
  })

  // META-03
  it("every other text is refused as an issuer (RFC 8414 §2, RFC 9207 §2)", () => {
    const bad = [
      "",
      "auth.example",
      "/tenant",
      "http://auth.example",
      "http://127.0.0.2",
      "ftp://auth.example",
      "javascript:alert(1)",
      "https://auth.example/",
      "https://auth.example/tenant/",
      "https://auth.example//tenant",
      "https://auth.example/a//b",
      "https://auth.example/a/../b",
      "https://auth.example/a/./b",
      "https://auth.example?",
      "https://auth.example?a=1",
      "https://auth.example#",
      "https://auth.example#x",
      "https://user@auth.example",
      "https://user:password@auth.example",
      "https://@auth.example",
      "https://AUTH.example",
      "HTTPS://auth.example",
      "https://auth.example:443",
      "http://localhost:80",
      "https://auth.example ",
      " https://auth.example",
      "https://auth.example/ä",
      "https://auth.example/%61",
      'https://auth.example/"',
      "https://auth.example/a*",
      "https://auth.example/:id",
      "https://münchen.example",
      "https://auth.example\\tenant",
      "https://auth.example/tenant\r\nx"
    ]
    for (const text of bad) expect(isIssuer(text), text).toBe(false)
  })

  it("an issuer has a path and an origin, and is secure if it is https", () => {
    const issuer = Issuer.Issuer.make("https://auth.example:8443/a/tenant")
    expect([Issuer.path(issuer), Issuer.origin(issuer), Issuer.isSecure(issuer)]).toEqual([
      "/a/tenant",
      "https://auth.example:8443",
      true
    ])
    const local = Issuer.Issuer.make("http://localhost:3000")
    expect([Issuer.path(local), Issuer.origin(local), Issuer.isSecure(local)]).toEqual([
      "",
      "http://localhost:3000",
      false
    ])
  })
})
