/** The texts of codes and refresh tokens are read, and no other texts are. */
import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import * as AuthorizationCode from "../../src/domain/AuthorizationCode.js"
import { GrantId } from "../../src/domain/Grant.js"
import * as Identifier from "../../src/domain/Identifier.js"
import * as RefreshToken from "../../src/domain/RefreshToken.js"

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const grantId = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), bytes(10))
  .map(([time, random]) => GrantId.make(Identifier.format(time, random)))

const code = fc.tuple(grantId, bytes(32)).map(([id, secret]) => AuthorizationCode.make(id, secret))
const refreshToken = fc
  .record({
    grantId,
    generation: fc.integer({ min: 1, max: 999_999_999_999_999 }),
    secret: bytes(32).map((secret) => Redacted.make(secret)),
    tag: bytes(16)
  })
  .map((token): RefreshToken.RefreshToken => token)

/** Texts that differ little from a given one. */
const spoilt = (text: string) =>
  fc
    .tuple(fc.nat(text.length), fc.constantFrom("", "A", "B", "0", "_", "-", ".", "=", " ", "\n", "é"), fc.boolean())
    .map(([index, character, replaces]) => text.slice(0, index) + character + text.slice(replaces ? index + 1 : index))

describe("an authorization code", () => {
  it("an authorization code is prefix, grant and 256 bits, and is read as it was made (RFC 6749 §10.10)", () => {
    fc.assert(
      fc.property(code, ({ grantId, text }) => {
        const written = Redacted.value(text)
        expect(written).toMatch(/^lk_ac_[0-9a-z]{26}[A-Za-z0-9_-]{43}$/)
        const read = Option.getOrThrow(AuthorizationCode.parse(written))
        expect([read.grantId, Redacted.value(read.text)]).toEqual([grantId, written])
      })
    )
  })

  it("an authorization code is read from no other text", () => {
    const cases = code.chain(({ text }) => fc.tuple(fc.constant(Redacted.value(text)), spoilt(Redacted.value(text))))
    fc.assert(
      fc.property(cases, ([text, other]) => {
        const read = AuthorizationCode.parse(other)
        if (other.length !== text.length) expect(Option.isNone(read)).toBe(true)
        if (Option.isSome(read)) expect(Redacted.value(read.value.text)).toBe(other)
      })
    )
    fc.assert(fc.property(fc.string(), (text) => Option.isNone(AuthorizationCode.parse(text))))
  })
})

describe("a refresh token", () => {
  it("a refresh token is prefix, grant, number, secret and tag, and is read as it was written", () => {
    fc.assert(
      fc.property(refreshToken, (token) => {
        const text = Redacted.value(RefreshToken.format(token))
        expect(text).toMatch(/^lk_rt_[0-9a-z]{26}\.[0-9]+\.[A-Za-z0-9_-]{65}$/)
        const read = Option.getOrThrow(RefreshToken.parse(text))
        expect({ ...read, secret: Redacted.value(read.secret) }).toEqual({
          ...token,
          secret: Redacted.value(token.secret)
        })
      })
    )
  })

  it("a refresh token has exactly one text", () => {
    const cases = refreshToken.chain((token) => spoilt(Redacted.value(RefreshToken.format(token))))
    fc.assert(
      fc.property(cases, (text) => {
        const read = RefreshToken.parse(text)
        if (Option.isSome(read)) expect(Redacted.value(RefreshToken.format(read.value))).toBe(text)
      }),
      { numRuns: 1_000 }
    )
  })

  it("a code is not read as a refresh token, and a refresh token not as a code", () => {
    fc.assert(fc.property(code, ({ text }) => Option.isNone(RefreshToken.parse(Redacted.value(text)))))
    fc.assert(
      fc.property(refreshToken, (token) =>
        Option.isNone(AuthorizationCode.parse(Redacted.value(RefreshToken.format(token))))
      )
    )
  })
})
