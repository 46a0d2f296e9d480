/**
 * Browsers that have logged in to an account before. A *device cookie* proves it (OWASP, "Slow Down Online Guessing Attacks
 * with Device Cookies"; ADR 27). The cookie gives no access: it only decides on which counter a failed login counts.
 *
 * The cookie has an entry for each of the last accounts, and an HMAC of all entries, in base64url. An entry is a random id of
 * the device, the time at which the entry expires, and an HMAC of the id and the account's subject. Without the key it does
 * not reveal the account.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Subject } from "../../domain/Account.js"
import * as Base64Url from "../../domain/Base64Url.js"
import { deriveKey, equals, hmac, randomBytes } from "../keys/Crypto.js"
import { ServerSettings } from "../ServerSettings.js"
import { Storage } from "../stores/Storage.js"

/** A browser with an authentic device cookie that has not expired. */
export interface KnownBrowser {
  /** The id of the device in its last login. It is not a secret, and gives no access. */
  readonly device: string
  /** One for each account, the last login first. */
  readonly entries: ReadonlyArray<Uint8Array>
}

export class KnownBrowsers extends Context.Tag("latchkey/KnownBrowsers")<
  KnownBrowsers,
  {
    /** Reads the value of a device cookie. Returns `None` for no cookie, a forged one, and an expired one. */
    readonly read: (cookie: Option.Option<Redacted.Redacted>) => Effect.Effect<Option.Option<KnownBrowser>>
    /** Returns the id of the device in its last login to this account; `None` if it never logged in to the account. */
    readonly deviceOf: (browser: KnownBrowser, subject: Subject) => Option.Option<string>
    /**
     * Returns the value of the cookie after a login to this account: an entry for the account with a new device id, which has
     * no failures, and the browser's entries of other accounts.
     */
    readonly remember: (browser: Option.Option<KnownBrowser>, subject: Subject) => Effect.Effect<Redacted.Redacted>
  }
>() {}

/**
 * Lifetime of an entry and of the cookie. Each login renews it. It is the default lifetime of a grant: a user of an app logs
 * in at least as often. A longer lifetime only helps thieves.
 */
export const lifetime = Duration.days(180)

/** Maximum number of accounts for which a browser is known. The browser sends the cookie with every request. */
const maxEntries = 4

/** Lengths in bytes. The end of an entry is in seconds since 1970, big-endian. */
const idLength = 16
const endLength = 6
const tagLength = 16
const entryLength = idLength + endLength + tagLength
const macLength = 32

/** Lengths of a cookie's value in characters, from one entry to the maximum. */
export const valueLengths = [1, maxEntries].map((entries) => Math.ceil(((entries * entryLength + macLength) * 4) / 3))

const idOf = (entry: Uint8Array): Uint8Array => entry.subarray(0, idLength)

const endOf = (entry: Uint8Array): number => Buffer.from(entry).readUIntBE(idLength, endLength) * 1000

const make = Effect.gen(function* () {
  const { issuer } = yield* ServerSettings
  const { masterKey } = yield* Storage
  const key = deriveKey(Redacted.value(masterKey), JSON.stringify(["device", issuer]))

  const tagOf = (id: Uint8Array, subject: Subject) => hmac(key, "account", id, subject).subarray(0, tagLength)

  const isOf = (entry: Uint8Array, subject: Subject): boolean =>
    equals(entry.subarray(idLength + endLength), tagOf(idOf(entry), subject))

  const open = (cookie: Redacted.Redacted): ReadonlyArray<Uint8Array> => {
    const bytes = Option.getOrElse(Base64Url.decode(Redacted.value(cookie)), () => new Uint8Array())
    const content = bytes.subarray(0, -macLength)
    return equals(bytes.subarray(-macLength), hmac(key, "cookie", content))
      ? Array.from({ length: content.length / entryLength }, (_, i) =>
          content.subarray(i * entryLength, (i + 1) * entryLength)
        )
      : []
  }

  return KnownBrowsers.of({
    read: (cookie) =>
      Effect.map(DateTime.now, ({ epochMillis: now }) =>
        Option.flatMap(cookie, (cookie) => {
          const entries = open(cookie).filter((entry) => endOf(entry) > now)
          return Option.map(Option.fromNullable(entries[0]), (last) => ({
            device: Base64Url.encode(idOf(last)),
            entries
          }))
        })
      ),
    deviceOf: ({ entries }, subject) =>
      Option.map(Option.fromNullable(entries.find((entry) => isOf(entry, subject))), (entry) =>
        Base64Url.encode(idOf(entry))
      ),
    remember: Effect.fnUntraced(function* (browser, subject) {
      const now = yield* DateTime.now
      const id = yield* randomBytes(idLength)
      const end = Buffer.alloc(endLength)
      end.writeUIntBE(Math.floor(DateTime.addDuration(now, lifetime).epochMillis / 1000), 0, endLength)
      const others = Option.match(browser, { onNone: () => [], onSome: ({ entries }) => entries })
      const content = Buffer.concat(
        [Buffer.concat([id, end, tagOf(id, subject)]), ...others.filter((entry) => !isOf(entry, subject))].slice(
          0,
          maxEntries
        )
      )
      return Redacted.make(Base64Url.encode(Buffer.concat([content, hmac(key, "cookie", content)])))
    })
  })
})

export const layer = Layer.effect(KnownBrowsers, make)
