/**
 * Accounts of the users who log in. The id of an account is the `subject` of its tokens (RFC 9068 §2.2).
 */
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as DisplayText from "./DisplayText.js"

/**
 * The user of a grant: the id of a built-in account or, when an app has its own login, the app's name for the user. It has
 * 1 to 255 characters that every store can hold: PostgreSQL has no NUL, and half a surrogate pair has no UTF-8.
 */
export const Subject = Schema.NonEmptyString.pipe(
  Schema.maxLength(255),
  Schema.pattern(/^[^\0\p{Cs}]*$/u),
  Schema.brand("Subject")
)
export type Subject = typeof Subject.Type

/** Prefix of the names of accounts that represent users of an app's own login. No user logs in with such a name. */
const externalPrefix = "external:"

/**
 * The name that a user logs in with. It is converted to its one form, the lower case of NFKC, when it is read. It has 1 to 64
 * characters, without spaces, control or format characters. A name that begins with `external:` is an `ExternalName`.
 */
export const Username = Schema.transformOrFail(Schema.String, Schema.String.pipe(Schema.brand("Username")), {
  strict: true,
  decode: (text, _, ast) => {
    const name = text.trim().normalize("NFKC").toLowerCase()
    if (name.startsWith(externalPrefix)) {
      return ParseResult.fail(new ParseResult.Type(ast, text, `a user name does not begin with ${externalPrefix}`))
    }
    return /^[^\s\p{Cc}\p{Cf}\p{Cs}\p{Z}]{1,64}$/u.test(name)
      ? ParseResult.succeed(name)
      : ParseResult.fail(new ParseResult.Type(ast, text, "a name has 1 to 64 characters, none of them a space"))
  },
  encode: (name) => ParseResult.succeed(name)
})
export type Username = typeof Username.Type

/** Returns the start of a username that was typed, as long as a valid username, for a page that shows it again. */
export const cutUsername = (typed: string): string => typed.slice(0, 64)

/**
 * The name of a new account. It has no invisible characters either, because with them two different names look the same.
 * `Username` accepts them, so that accounts with such names from earlier versions can still log in.
 */
export const NewUsername = Username.pipe(
  Schema.filter((name) => {
    const reason = DisplayText.objection(name)
    return reason === undefined || `the name ${reason}`
  })
)

/**
 * The name of a user of an app with its own login. It is kept exactly as the app gives it, and has no characters that would
 * break or change a line of text.
 */
export const ExternalSubject = Subject.pipe(Schema.pattern(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u))

/** The name of the account that represents such a user. */
const ExternalName = Schema.String.pipe(Schema.pattern(/^external:./u), Schema.brand("Username"))

/** The name of any account, as an operator types it. */
export const AccountName = Schema.Union(Username, ExternalName)

/**
 * Converts a password to the form in which it is compared (RFC 8265 §4.2, OpaqueString): every space of Unicode is U+0020,
 * and the text is in NFC, because keyboards of different systems write the same letters differently. Case stays, and so do
 * compatibility forms such as `\uFB01`.
 */
const prepare = (text: string): string => text.replace(/\p{Zs}/gu, " ").normalize("NFC")

/** Returns the prepared form of a password that a user typed. */
export const preparePassword = (typed: Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(prepare(Redacted.value(typed)))

/** Maximum length of a password in UTF-8 bytes. */
export const maxPasswordBytes = 1024

/** The rule for new passwords, as a clause without a full stop. */
export const passwordRule = `a password has at least 8 characters, and at most ${maxPasswordBytes} bytes`

/**
 * A new password: at least 8 characters and at most 1024 bytes in its prepared form. A longer password is refused, not cut
 * off. This schema accepts well-known passwords; `services/accounts/NewPassword` refuses them.
 */
export const Password = Schema.transform(
  Schema.String,
  Schema.String.pipe(
    Schema.filter((text) => {
      const bytes = new TextEncoder().encode(text).length
      return (Array.from(text).length >= 8 && bytes <= maxPasswordBytes) || passwordRule
    })
  ),
  { strict: true, decode: prepare, encode: (text) => text }
).pipe(Schema.Redacted)
export type Password = typeof Password.Type

/** Whether two typed passwords are the same. */
export const isSamePassword = (typed: string, again: string): boolean => prepare(typed) === prepare(again)

/** An account. */
export interface Account {
  readonly id: Subject
  readonly username: Username
  /** Argon2id in PHC string format; empty if the account has no password (see `isExternal`). */
  readonly passwordHash: Redacted.Redacted
  readonly createdAt: DateTime.Utc
  /** A disabled account can do nothing, and its tokens are not valid. It can be enabled again. */
  readonly state: "Enabled" | "Disabled"
  /** Raised to revoke everything that was ever issued for this account at once. */
  readonly epoch: number
}

/** Returns the name of the account that represents a user of an app's own login. No two subjects share a name. */
export const externalName = (subject: Subject): Username => ExternalName.make(externalPrefix + subject)

/** Returns the app's user whose account has this name, if it is such a name. */
export const externalSubject = (name: Username): Option.Option<Subject> =>
  name.startsWith(externalPrefix)
    ? Schema.decodeOption(ExternalSubject)(name.slice(externalPrefix.length))
    : Option.none()

/** Whether an account represents a user of an app's own login. No user logs in to such an account here. */
export const isExternal = ({ id, username }: Pick<Account, "id" | "username">): boolean =>
  username === externalPrefix + id
