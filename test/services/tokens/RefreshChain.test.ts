/** A chain recognises its own refresh tokens, and only its key can compute the next one. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import * as Base64Url from "../../../src/domain/Base64Url.js"
import { GrantId } from "../../../src/domain/Grant.js"
import * as RefreshToken from "../../../src/domain/RefreshToken.js"
import { Seals } from "../../../src/services/keys/Seals.js"
import * as RefreshChain from "../../../src/services/tokens/RefreshChain.js"

/** Seals without encryption, because these tests are not about sealing. */
const plain = Layer.succeed(Seals, {
  seal: (kind, bytes) => Effect.succeed(kind.prefix + Base64Url.encode(bytes)),
  open: (kind, text) => Effect.succeed(Base64Url.decode(text.slice(kind.prefix.length))),
  peek: () => undefined,
  mayOpen: () => false,
  reseal: () => Effect.succeedNone
})

const grantId = GrantId.make("01arz3ndektsv4rrffq69g5fav")
const otherId = GrantId.make("01arz3ndektsv4rrffq69g5faw")

const withChain = <A, E>(use: (chains: RefreshChain.RefreshChain["Type"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(RefreshChain.RefreshChain, use).pipe(Effect.provide(Layer.provide(RefreshChain.layer, plain)))

const textOf = (token: RefreshToken.RefreshToken) => Redacted.value(RefreshToken.format(token))

/** A chain, and its key. */
const begin = (chains: RefreshChain.RefreshChain["Type"], id = grantId) =>
  Effect.gen(function* () {
    const { sealedKey, token } = yield* chains.begin(id)
    const key = Option.getOrThrow(yield* chains.recognise(token, sealedKey))
    return { key, sealedKey, token }
  })

describe("a chain", () => {
  it.effect("each chain begins with number 1 and its own secret and key", () =>
    withChain((chains) =>
      Effect.gen(function* () {
        const [one, other] = [yield* begin(chains), yield* begin(chains)]
        expect([one.token.generation, one.token.grantId]).toEqual([1, grantId])
        expect(textOf(one.token)).not.toBe(textOf(other.token))
        expect(one.sealedKey).not.toBe(other.sealedKey)
      })
    )
  )

  it.effect("a token of a chain is the same whether it is computed step by step or at once", () =>
    withChain((chains) =>
      Effect.gen(function* () {
        const { key, token } = yield* begin(chains)
        const second = RefreshChain.next(key, token)
        expect(second.generation).toBe(2)
        expect(textOf(RefreshChain.advance(key, token, 1))).toBe(textOf(token))
        expect(textOf(RefreshChain.advance(key, token, 2))).toBe(textOf(second))
        const tenth = textOf(RefreshChain.advance(key, token, 10))
        expect(textOf(RefreshChain.advance(key, second, 10))).toBe(tenth)
        const all = Array.from({ length: 50 }, (_, index) => textOf(RefreshChain.advance(key, token, index + 1)))
        expect(new Set(all).size).toBe(50)
      })
    )
  )

  it.effect("a chain recognises each of its past and future tokens", () =>
    withChain((chains) =>
      Effect.gen(function* () {
        const { key, sealedKey, token } = yield* begin(chains)
        for (const generation of [1, 2, 3, 64, 65, 1_000]) {
          const link = RefreshChain.advance(key, token, generation)
          expect(Option.isSome(yield* chains.recognise(link, sealedKey)), `${generation}`).toBe(true)
        }
      })
    )
  )

  it.effect("a chain does not recognise a token with another number, grant, secret, tag or chain", () =>
    withChain((chains) =>
      Effect.gen(function* () {
        const [chain, other] = [yield* begin(chains), yield* begin(chains)]
        const third = RefreshChain.advance(chain.key, chain.token, 3)
        const strangers: Readonly<Record<string, RefreshToken.RefreshToken>> = {
          "an earlier number": { ...third, generation: 2 },
          "a later number": { ...third, generation: 4 },
          "another grant": { ...third, grantId: otherId },
          "the secret of the first": { ...third, secret: chain.token.secret },
          "the tag of the first": { ...third, tag: chain.token.tag },
          "the third of another chain": RefreshChain.advance(other.key, other.token, 3),
          "the successor under another key": RefreshChain.next(other.key, third),
          "the successor under its own secret": RefreshChain.next(third.secret, third),
          "an empty tag": { ...third, tag: new Uint8Array(0) },
          "all zero": { ...third, secret: Redacted.make(new Uint8Array(32)), tag: new Uint8Array(16) }
        }
        for (const [name, stranger] of Object.entries(strangers)) {
          expect(Option.isNone(yield* chains.recognise(stranger, chain.sealedKey)), name).toBe(true)
        }
      })
    )
  )

  it.effect("a chain key that does not open is a fault of the server, not of the token", () =>
    withChain((chains) =>
      Effect.gen(function* () {
        const { token } = yield* begin(chains)
        const error = yield* Effect.flip(chains.recognise(token, "lk_ck_="))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "KeysUnavailable" })
      })
    )
  )

  it.effect("a chain does not recognise a token with any bit changed", () =>
    withChain((chains) =>
      Effect.gen(function* () {
        const { sealedKey, token } = yield* begin(chains)
        const bits = fc.sample(fc.nat((32 + 16) * 8 - 1), 100)
        for (const bit of bits) {
          const flip = (bytes: Uint8Array, first: number) =>
            bytes.map((byte, index) => (index + first === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
          const changed = {
            ...token,
            secret: Redacted.make(flip(Redacted.value(token.secret), 0)),
            tag: flip(token.tag, 32)
          }
          expect(Option.isNone(yield* chains.recognise(changed, sealedKey)), `${bit}`).toBe(true)
        }
      })
    )
  )
})
