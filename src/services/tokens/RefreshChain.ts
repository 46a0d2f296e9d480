/**
 * Computes refresh tokens (ADR 6). Each token is computed from the token before it and the grant's chain key, so the row of
 * a grant holds one digest and one key for any number of tokens.
 *
 *     secret(n+1) = HMAC(chainKey, "next", grant, n+1, secret(n))
 *     tag(n)      = the first 128 bits of HMAC(chainKey, "tag", grant, n, secret(n))
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { GrantId } from "../../domain/Grant.js"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type * as RefreshToken from "../../domain/RefreshToken.js"
import { equals, hmac, randomBytes } from "../keys/Crypto.js"
import { type Kind, Seals } from "../keys/Seals.js"
import type { KeyId } from "../stores/KeyStore.js"

/** The opened chain key of a grant. */
export type ChainKey = Redacted.Redacted<Uint8Array>

const kind: Kind = { purpose: "chain", prefix: "lk_ck_" }

/** Returns the prefix of every chain key that is sealed under a root key. */
export const sealedUnder = (keyId: KeyId): string => kind.prefix + keyId

const tagOf = (key: ChainKey, grantId: GrantId, generation: number, secret: Uint8Array): Uint8Array =>
  hmac(Redacted.value(key), "tag", grantId, String(generation), secret).subarray(0, 16)

const link = (key: ChainKey, grantId: GrantId, generation: number, secret: Uint8Array): RefreshToken.RefreshToken => ({
  grantId,
  generation,
  secret: Redacted.make(secret),
  tag: tagOf(key, grantId, generation, secret)
})

/** Returns the next token. */
export const next = (key: ChainKey, token: RefreshToken.RefreshToken): RefreshToken.RefreshToken => {
  const generation = token.generation + 1
  const secret = hmac(Redacted.value(key), "next", token.grantId, String(generation), Redacted.value(token.secret))
  return link(key, token.grantId, generation, secret)
}

/** Returns the token of a later generation. The caller must bound the number of steps. */
export const advance = (
  key: ChainKey,
  token: RefreshToken.RefreshToken,
  generation: number
): RefreshToken.RefreshToken => {
  let current = token
  while (current.generation < generation) current = next(key, current)
  return current
}

/** Returns whether the token is one of the grant, of any generation. */
const isAuthentic = (key: ChainKey, token: RefreshToken.RefreshToken): boolean =>
  equals(tagOf(key, token.grantId, token.generation, Redacted.value(token.secret)), token.tag)

export class RefreshChain extends Context.Tag("latchkey/RefreshChain")<
  RefreshChain,
  {
    /** Begins a chain. Returns its key, sealed for the row, and its first token. */
    readonly begin: (
      grantId: GrantId
    ) => Effect.Effect<
      { readonly sealedKey: string; readonly token: RefreshToken.RefreshToken },
      TemporarilyUnavailable
    >
    /** Returns the chain key if the token is one of its chain; else `None`. */
    readonly recognise: (
      token: RefreshToken.RefreshToken,
      sealedKey: string
    ) => Effect.Effect<Option.Option<ChainKey>, TemporarilyUnavailable>
    /** Seals the chain key under the current root key; `None` if it is sealed under it already, or does not open. */
    readonly reseal: (sealedKey: string) => Effect.Effect<Option.Option<string>, TemporarilyUnavailable>
  }
>() {}

const make = Effect.map(Seals, (seals) =>
  RefreshChain.of({
    begin: Effect.fnUntraced(function* (grantId) {
      const key = yield* randomBytes(32)
      const secret = yield* randomBytes(32)
      return { sealedKey: yield* seals.seal(kind, key), token: link(Redacted.make(key), grantId, 1, secret) }
    }),
    recognise: (token, sealedKey) =>
      Effect.flatMap(seals.open(kind, sealedKey), (bytes) => {
        // The key in the row does not open. That is a fault of the server, so the client must keep its token.
        if (Option.isNone(bytes)) {
          return new TemporarilyUnavailable({ reason: "KeysUnavailable", description: "try again later" })
        }
        const key: ChainKey = Redacted.make(bytes.value)
        return Effect.succeed(isAuthentic(key, token) ? Option.some(key) : Option.none<ChainKey>())
      }),
    reseal: (sealedKey) => seals.reseal(kind, sealedKey)
  })
)

export const layer = Layer.effect(RefreshChain, make)
