/**
 * Seals texts with XAES-256-GCM. Each purpose has its own derived key, so a text that was sealed for one purpose does not
 * open for another. A sealed text is the prefix, the id of the root key, and nonce, ciphertext and tag in base64url. Prefix,
 * key id, purpose and issuer are authenticated too. The id names the key, so no keys are tried in turn.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Base64Url from "../../domain/Base64Url.js"
import type { Digest } from "../../domain/Digest.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { BoundedMap } from "../BoundedMap.js"
import { ServerSettings } from "../ServerSettings.js"
import { type KeyId, parseKeyId } from "../stores/KeyStore.js"
import { deriveKey, digestOf, SecureRandom } from "./Crypto.js"
import { Keyring, type RootKey } from "./Keyring.js"
import * as Xaes256Gcm from "./Xaes256Gcm.js"

/** The purpose of a sealed text: an access token, a form that the browser holds, or the key of a refresh token chain. */
export type Purpose = "access" | "form" | "chain"

/** The kind of a sealed text. */
export interface Kind {
  readonly purpose: Purpose
  /** The visible beginning of the text, such as `lk_at_`. */
  readonly prefix: string
}

export class Seals extends Context.Tag("latchkey/Seals")<
  Seals,
  {
    /** Seals bytes under the current key. */
    readonly seal: (kind: Kind, plaintext: Uint8Array) => Effect.Effect<string, TemporarilyUnavailable>
    /**
     * Returns the bytes of a text that `seal` made for the same kind, on this node or another; `None` for every other text.
     * Fails when the key of the text cannot be looked up now. A key that leaked opens only chain keys: an attacker who has
     * only the key cannot put a chain key into the database.
     */
    readonly open: (kind: Kind, text: string) => Effect.Effect<Option.Option<Uint8Array>, TemporarilyUnavailable>
    /** As `open`, without an effect; `undefined` if only `open` can tell. `now` is the time in milliseconds. */
    readonly peek: (kind: Kind, text: string, now: number) => Option.Option<Uint8Array> | undefined
    /** Returns whether the key of a text is known now and may open it. It does not open the text. */
    readonly mayOpen: (kind: Kind, text: string, now: number) => boolean
    /** Seals the same bytes under the current key; `None` if the text is sealed under it already, or does not open. */
    readonly reseal: (kind: Kind, text: string) => Effect.Effect<Option.Option<string>, TemporarilyUnavailable>
  }
>() {}

const keyIdLength = 8

/** The parts of a sealed text. */
interface Sealed {
  readonly id: KeyId
  readonly bytes: Uint8Array
}

const make = Effect.gen(function* () {
  const keyring = yield* Keyring
  const { issuer } = yield* ServerSettings
  const random = yield* SecureRandom
  const derived = new Map<string, Xaes256Gcm.Key>()

  const keyFor = (root: RootKey, purpose: Purpose): Xaes256Gcm.Key => {
    const name = `${root.id}.${purpose}`
    let key = derived.get(name)
    if (key === undefined) {
      key = Xaes256Gcm.importKey(deriveKey(Redacted.value(root.bytes), JSON.stringify([purpose, issuer])))
      derived.set(name, key)
    }
    return key
  }

  const authenticated = new Map<string, Uint8Array>()
  const additionalData = ({ prefix, purpose }: Kind, id: KeyId): Uint8Array => {
    const name = `${prefix}${id}.${purpose}`
    let bytes = authenticated.get(name)
    if (bytes === undefined) {
      bytes = new TextEncoder().encode(JSON.stringify([prefix, id, purpose, issuer]))
      authenticated.set(name, bytes)
    }
    return bytes
  }

  const isFor = ({ state }: RootKey, { purpose }: Kind): boolean => state._tag !== "Replaced" || purpose === "chain"

  const seal: Seals["Type"]["seal"] = (kind, plaintext) =>
    Effect.flatMap(keyring.current, (root) => {
      const nonce = random.bytes(Xaes256Gcm.nonceLength)
      const sealed = Xaes256Gcm.seal(keyFor(root, kind.purpose), nonce, plaintext, additionalData(kind, root.id))
      return Effect.succeed(kind.prefix + root.id + Base64Url.encode(sealed))
    })

  /** Reads the parts of a text of this kind. */
  const parse = (kind: Kind, text: string): Option.Option<Sealed> => {
    if (!text.startsWith(kind.prefix)) return Option.none()
    const body = kind.prefix.length + keyIdLength
    return Option.all({
      id: parseKeyId(text.slice(kind.prefix.length, body)),
      bytes: Base64Url.decode(text.slice(body))
    })
  }

  const openWith = (root: RootKey, kind: Kind, { bytes }: Sealed): Option.Option<Uint8Array> =>
    isFor(root, kind)
      ? Xaes256Gcm.open(keyFor(root, kind.purpose), bytes, additionalData(kind, root.id))
      : Option.none()

  const open: Seals["Type"]["open"] = (kind, text) =>
    Option.match(parse(kind, text), {
      onNone: () => Effect.succeedNone,
      onSome: (sealed) =>
        Effect.clockWith((clock) => {
          const root = keyring.peek(sealed.id, clock.unsafeCurrentTimeMillis())
          return root === undefined
            ? Effect.map(
                keyring.find(sealed.id),
                Option.flatMap((root) => openWith(root, kind, sealed))
              )
            : Effect.succeed(openWith(root, kind, sealed))
        })
    })

  const peek: Seals["Type"]["peek"] = (kind, text, now) =>
    Option.match(parse(kind, text), {
      onNone: () => Option.none(),
      onSome: (sealed) => {
        const root = keyring.peek(sealed.id, now)
        return root === undefined ? undefined : openWith(root, kind, sealed)
      }
    })

  return Seals.of({
    seal,
    open,
    peek,
    mayOpen: (kind, text, now) => {
      const id = parseKeyId(text.slice(kind.prefix.length, kind.prefix.length + keyIdLength))
      const root = Option.isNone(id) ? undefined : keyring.peek(id.value, now)
      return root !== undefined && isFor(root, kind)
    },
    reseal: Effect.fnUntraced(function* (kind, text) {
      const { id } = yield* keyring.current
      if (text.startsWith(kind.prefix + id)) return Option.none()
      const plaintext = yield* open(kind, text)
      return Option.isNone(plaintext) ? Option.none() : Option.some(yield* seal(kind, plaintext.value))
    })
  })
})

export const layer = Layer.effect(Seals, make)

/** Writes values as texts, and reads them. */
export interface Format<A> {
  readonly encode: (value: A) => string
  /** Returns the value; `None` if the text is none of this format. */
  readonly decode: (text: string) => Option.Option<A>
}

/** Returns the format of a schema: JSON. */
export const jsonOf = <A, I>(schema: Schema.Schema<A, I>): Format<A> => {
  const json = Schema.parseJson(schema)
  return { encode: Schema.encodeSync(json), decode: Schema.decodeOption(json) }
}

/** Values of one format, sealed. */
export interface Codec<A> {
  readonly seal: (value: A) => Effect.Effect<string, TemporarilyUnavailable>
  /** Returns the value; `None` if the text is not authentic, or is not of this format. */
  readonly open: (text: string) => Effect.Effect<Option.Option<A>, TemporarilyUnavailable>
  /** As `open`, without an effect; `undefined` if only `open` can tell. `now` is the time in milliseconds. */
  readonly peek: (text: string, now: number) => Option.Option<A> | undefined
  /** Returns whether the key of a text is known now and may open it. It does not open the text. */
  readonly mayOpen: (text: string, now: number) => boolean
}

export interface CodecOptions {
  /**
   * Number of opened texts that `peek` remembers, by their digests: 0 if not given. A text whose key may not open it any more is
   * not looked up.
   */
  readonly remembered?: number
}

/** Returns a codec that seals values and opens them again. */
export const codec = <A>(
  seals: Seals["Type"],
  kind: Kind,
  { decode, encode }: Format<A>,
  { remembered = 0 }: CodecOptions = {}
): Codec<A> => {
  const opened = new BoundedMap<Digest, A>(remembered)
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()]
  const read = Option.flatMap((bytes: Uint8Array) => decode(decoder.decode(bytes)))
  return {
    seal: (value) => seals.seal(kind, encoder.encode(encode(value))),
    open: (text) => Effect.flatMap(seals.open(kind, text), (bytes) => Effect.succeed(read(bytes))),
    mayOpen: (text, now) => seals.mayOpen(kind, text, now),
    peek: (text, now) => {
      const digest = remembered === 0 ? undefined : digestOf(text)
      const known = digest === undefined ? undefined : opened.get(digest)
      if (known !== undefined && seals.mayOpen(kind, text, now)) return Option.some(known)
      const bytes = seals.peek(kind, text, now)
      if (bytes === undefined) return undefined
      const value = read(bytes)
      if (digest !== undefined && Option.isSome(value)) opened.remember(digest, value.value)
      return value
    }
  }
}
