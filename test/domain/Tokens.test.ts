/** Codes and refresh tokens as text: what was made is read, and nothing else is. */
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

/** Texts that are nearly a given one. */
const spoilt = (text: string) =>
  fc
    .tuple(fc.nat(text.length), fc.constantFrom("", "A", "B", "0", "_", "-", ".", "=", " ", "\n", "é"), fc.boolean())
    .map(([index, character, replaces]) => text.slice(0, index) + character + text.slice(replaces ? index + 1 : index))

describe("an authorization code", () => {
  it("is read as it was made: prefix, grant, and 256 bits (RFC 6749 §10.10)", () => {
    fc.assert(
      fc.property(code, ({ grantId, text }) => {
        const written = Redacted.value(text)
        expect(written).toMatch(/^lk_ac_[0-9a-z]{26}[A-Za-z0-9_-]{43}$/)
        const read = Option.getOrThrow(AuthorizationCode.parse(written))
        expect([read.grantId, Redacted.value(read.text)]).toEqual([grantId, written])
      })
    )
  })

  it("is read from no text but its own", () => {
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
  it("is read as it was written: prefix, grant, number, secret and tag", () => {
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

  it("has one text: whatever is read is written the same again", () => {
    const cases = refreshToken.chain((token) => spoilt(Redacted.value(RefreshToken.format(token))))
    fc.assert(
      fc.property(cases, (text) => {
        const read = RefreshToken.parse(text)
        if (Option.isSome(read)) expect(Redacted.value(RefreshToken.format(read.value))).toBe(text)
      }),
      { numRuns: 1_000 }
    )
  })

  it("is not read where a code is, nor the other way round", () => {
    fc.assert(fc.property(code, ({ text }) => Option.isNone(RefreshToken.parse(Redacted.value(text)))))
    fc.assert(
      fc.property(refreshToken, (token) =>
        Option.isNone(AuthorizationCode.parse(Redacted.value(RefreshToken.format(token))))
      )
    )
  })
})
