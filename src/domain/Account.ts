/**
 * The people who log in. An account's id is the `subject` of what is issued for it (RFC 9068 §2.2).
 */
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as DisplayText from "./DisplayText.js"

/**
 * The person of a grant: the id of a built-in account or, when an app answers who is logged in, the app's own name for a
 * person. 1 to 255 characters that every store can keep: PostgreSQL has no NUL, and half a surrogate pair has no UTF-8.
 */
export const Subject = Schema.NonEmptyString.pipe(
  Schema.maxLength(255),
  Schema.pattern(/^[^\0\p{Cs}]*$/u),
  Schema.brand("Subject")
)
export type Subject = typeof Subject.Type

/** What the names begin with of accounts that stand for an app's own people. Nobody logs in with such a name. */
const externalPrefix = "external:"

/**
 * The name a person logs in with: compared in one form, the lower case of NFKC, which is made once, on the way in.
 * No spaces, control or format characters; 1 to 64 characters. What begins with `external:` is an `ExternalName`.
 */
export const Username = Schema.transformOrFail(Schema.String, Schema.String.pipe(Schema.brand("Username")), {
  strict: true,
  decode: (text, _, ast) => {
    const name = text.trim().normalize("NFKC").toLowerCase()
    if (name.startsWith(externalPrefix)) {
      return ParseResult.fail(
        new ParseResult.Type(ast, text, `nobody logs in with a name that begins with ${externalPrefix}`)
      )
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
 * The name of a new account: also without characters that cannot be seen, with which two names look like one.
 * `Username` takes them, so that accounts with such names from earlier versions can still log in.
 */
export const NewUsername = Username.pipe(
  Schema.filter((name) => {
    const reason = DisplayText.objection(name)
    return reason === undefined || `the name ${reason}`
  })
)

/**
 * A person of an app that answers itself who is logged in, as the app calls them: to the letter, and without what would
 * change the line that it stands in.
 */
export const ExternalSubject = Subject.pipe(Schema.pattern(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u))

/** The name of the account that stands for such a person. */
const ExternalName = Schema.String.pipe(Schema.pattern(/^external:./u), Schema.brand("Username"))

/** The name of any account, as an operator writes it. */
export const AccountName = Schema.Union(Username, ExternalName)

/**
 * A password in the one form in which it is compared (RFC 8265 §4.2, OpaqueString): every space of Unicode is U+0020, and
 * the text is in NFC, because keyboards of different systems write the same letters differently. Case is kept, and so are
 * compatibility forms such as `\uFB01`.
 */
const prepare = (text: string): string => text.replace(/\p{Zs}/gu, " ").normalize("NFC")

/** The prepared form of a password that somebody typed. */
export const preparePassword = (typed: Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(prepare(Redacted.value(typed)))

/** Maximum length of a password in UTF-8 bytes. */
export const maxPasswordBytes = 1024

/** What a new password must be, as a clause without a full stop. */
export const passwordRule = `a password has at least 8 characters, and at most ${maxPasswordBytes} bytes`

/**
 * A new password: at least 8 characters and at most 1024 bytes in its prepared form. Nothing is cut off. Well-known
 * passwords are accepted here; `services/NewPassword` refuses them.
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

/** Whether two passwords, as they were typed, are the same. */
export const isSamePassword = (typed: string, again: string): boolean => prepare(typed) === prepare(again)

/** An account. */
export interface Account {
  readonly id: Subject
  readonly username: Username
  /** Argon2id in PHC string format; empty where there is no password (see `isExternal`). */
  readonly passwordHash: Redacted.Redacted
  readonly createdAt: DateTime.Utc
  /** A disabled account can do nothing, and nothing issued for it is good; it may be enabled again. */
  readonly state: "Enabled" | "Disabled"
  /** Raised when all that was ever issued for this person must die at once. */
  readonly epoch: number
}

/** The name of the account of an app's person. No two subjects have one. */
export const externalName = (subject: Subject): Username => ExternalName.make(externalPrefix + subject)

/** The app's person whose account has this name, if it is such a name. */
export const externalSubject = (name: Username): Option.Option<Subject> =>
  name.startsWith(externalPrefix)
    ? Schema.decodeOption(ExternalSubject)(name.slice(externalPrefix.length))
    : Option.none()

/** Whether an account stands for a person of the app's own: nobody logs in to it. */
export const isExternal = ({ id, username }: Pick<Account, "id" | "username">): boolean =>
  username === externalPrefix + id
