/** A sealed text opens only for its own kind, issuer and key. */
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Issuer } from "../../../src/domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { Keyring, type RootKey } from "../../../src/services/keys/Keyring.js"
import * as Seals from "../../../src/services/keys/Seals.js"
import { KeyId, KeyState } from "../../../src/services/stores/KeyStore.js"
import { settings } from "../settings.js"

const root = (id: string, byte: number, state: KeyState = KeyState.Current()): RootKey => ({
  id: KeyId.make(id),
  bytes: Redacted.make(new Uint8Array(32).fill(byte)),
  state
})

/** Seals of an issuer whose current root key is the last of some keys. */
const sealsOf = (issuer: string, ...keys: ReadonlyArray<RootKey>) => {
  const keyring = Layer.succeed(Keyring, {
    current: Effect.fromNullable(keys.at(-1)).pipe(Effect.orDie),
    find: (id) => Effect.succeed(Option.fromNullable(keys.find((key) => key.id === id))),
    peek: () => undefined
  })
  return Effect.provide(Seals.Seals, Layer.provide(Seals.layer, Layer.merge(keyring, settings(Issuer.make(issuer)))))
}

const [first, second] = [root("AAAAAAAA", 1), root("BBBBBBBB", 2)]
const issuer = "https://auth.example"
const access: Seals.Kind = { purpose: "access", prefix: "lk_at_" }
const plaintext = new TextEncoder().encode("plaintext")

describe("a sealed text", () => {
  it.effect("a sealed text opens for its own prefix, purpose, issuer and key", () =>
    Effect.gen(function* () {
      const seals = yield* sealsOf(issuer, first)
      const text = yield* seals.seal(access, plaintext)
      expect(text).toMatch(/^lk_at_AAAAAAAA[A-Za-z0-9_-]+$/)
      expect(Buffer.from(Option.getOrThrow(yield* seals.open(access, text))).toString()).toBe("plaintext")
    })
  )

  it.effect("a sealed text does not open for another prefix, purpose, issuer or key", () =>
    Effect.gen(function* () {
      const seals = yield* sealsOf(issuer, first, second)
      const text = yield* (yield* sealsOf(issuer, first)).seal(access, plaintext)
      const renamed = text.replace("lk_at_", "lk_fm_")
      const attempts: Readonly<Record<string, Effect.Effect<Option.Option<Uint8Array>, TemporarilyUnavailable>>> = {
        "another purpose": seals.open({ ...access, purpose: "form" }, text),
        "another prefix": seals.open({ ...access, prefix: "lk_fm_" }, text),
        "another prefix, written in": seals.open({ ...access, prefix: "lk_fm_" }, renamed),
        "another purpose and prefix": seals.open({ purpose: "form", prefix: "lk_fm_" }, renamed),
        "another key": seals.open(access, text.replace("AAAAAAAA", "BBBBBBBB")),
        "an unknown key": seals.open(access, text.replace("AAAAAAAA", "CCCCCCCC")),
        "another issuer": (yield* sealsOf(`${issuer}/tenant`, first)).open(access, text),
        "another key of the same name": (yield* sealsOf(issuer, root("AAAAAAAA", 2))).open(access, text)
      }
      for (const [name, attempt] of Object.entries(attempts)) expect(Option.isNone(yield* attempt), name).toBe(true)
      expect(Option.isSome(yield* seals.open(access, text))).toBe(true)
    })
  )

  it.effect("each sealed text is different, and sealed under the current key", () =>
    Effect.gen(function* () {
      const seals = yield* sealsOf(issuer, first, second)
      const texts = yield* Effect.all(Array.from({ length: 100 }, () => seals.seal(access, plaintext)))
      expect(new Set(texts).size).toBe(100)
      expect(texts.every((text) => text.startsWith("lk_at_BBBBBBBB"))).toBe(true)
    })
  )

  it.effect("under a leaked key only a chain key opens", () =>
    Effect.gen(function* () {
      const leaked = root("AAAAAAAA", 1, KeyState.Replaced({ at: DateTime.unsafeMake(0) }))
      const retired = root("AAAAAAAA", 1, KeyState.Retired({ at: DateTime.unsafeMake(0) }))
      const sealing = yield* sealsOf(issuer, first)
      for (const purpose of ["access", "form", "chain"] as const) {
        const kind: Seals.Kind = { purpose, prefix: `lk_${purpose}_` }
        const text = yield* sealing.seal(kind, plaintext)
        const opens = (key: RootKey) =>
          Effect.map(
            Effect.flatMap(sealsOf(issuer, key, second), ({ open }) => open(kind, text)),
            Option.isSome
          )
        expect(yield* opens(retired), purpose).toBe(true)
        expect(yield* opens(leaked), purpose).toBe(purpose === "chain")
      }
    })
  )

  it.effect("a text is resealed under the current key once", () =>
    Effect.gen(function* () {
      const seals = yield* sealsOf(issuer, first, second)
      const text = yield* (yield* sealsOf(issuer, first)).seal(access, plaintext)
      const resealed = Option.getOrThrow(yield* seals.reseal(access, text))
      expect(resealed).toMatch(/^lk_at_BBBBBBBB/)
      expect(yield* seals.open(access, resealed)).toEqual(yield* seals.open(access, text))
      expect(yield* seals.reseal(access, resealed)).toEqual(Option.none())
      expect(yield* seals.reseal(access, text.slice(0, -1))).toEqual(Option.none())
    })
  )

  it.effect("a sealed text with a changed, missing or added character does not open", () =>
    Effect.gen(function* () {
      const seals = yield* sealsOf(issuer, first)
      const text = yield* seals.seal(access, plaintext)
      for (let index = 0; index <= text.length; index++) {
        const [before, after] = [text.slice(0, index), text.slice(index)]
        const character = after.startsWith("A") ? "B" : "A"
        for (const other of [
          before + character + after.slice(1),
          before + after.slice(1),
          before + character + after
        ]) {
          if (other === text) continue
          expect(Option.isNone(yield* seals.open(access, other)), other).toBe(true)
        }
      }
      for (const other of ["", "lk_at_", "lk_at_AAAAAAAA", `${text}=`, ` ${text}`, `${text}\n`]) {
        expect(Option.isNone(yield* seals.open(access, other)), other).toBe(true)
      }
    })
  )
})

describe("a codec", () => {
  const Value = Schema.Struct({ count: Schema.Number, at: Schema.DateTimeUtcFromNumber })

  it.effect("a codec returns the sealed value, and nothing for a text of another schema", () =>
    Effect.gen(function* () {
      const seals = yield* sealsOf(issuer, first)
      const codec = Seals.codec(seals, access, Seals.jsonOf(Value))
      const value = yield* Schema.decode(Value)({ count: 1, at: 1_000 })
      expect(Option.getOrThrow(yield* codec.open(yield* codec.seal(value)))).toEqual(value)
      for (const other of ["", "{", "null", "{}", '{"count":"1","at":1}', '{"count":1}']) {
        const text = yield* seals.seal(access, new TextEncoder().encode(other))
        expect(Option.isNone(yield* codec.open(text)), other).toBe(true)
      }
    })
  )
})
