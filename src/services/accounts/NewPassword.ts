/**
 * A new password: `domain/Account.Password` accepts it, and it is not on the list of well-known passwords, which attackers try
 * first (NIST SP 800-63B §3.1.1.2). An existing password is never checked against the list.
 *
 * @example
 * import { Effect, Either } from "effect"
 * import * as NewPassword from "latchkey/NewPassword"
 *
 * const password = Effect.map(NewPassword.read("correct horse battery"), Either.getOrThrow)
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Password, passwordRule } from "../../domain/Account.js"

/**
 * The list of zxcvbn-ts, in lower case. It is loaded for the first new password, so that the start of a server and other
 * commands do not wait for it.
 */
let list: Promise<ReadonlySet<string>> | undefined

/** Loads the list once. After a failure the next call loads it again. */
const load = (): Promise<ReadonlySet<string>> => {
  list ??= import("@zxcvbn-ts/language-common").then(
    ({ dictionary }) => new Set<string>(dictionary["passwords-common"]),
    (error) => {
      list = undefined
      throw error
    }
  )
  return list
}

/** Returns whether a password is on the list. Case makes no difference: attackers try `Password1` with `password1`. */
export const isWellKnown = (password: Password): Effect.Effect<boolean> =>
  Effect.map(Effect.promise(load), (known) => known.has(Redacted.value(password).toLowerCase()))

/** Why a text cannot be a new password. */
export type Problem = "PasswordInvalid" | "PasswordWellKnown"

/** Each problem as a sentence without a full stop. */
export const sentences: Readonly<Record<Problem, string>> = {
  PasswordInvalid: passwordRule,
  PasswordWellKnown: "this password is on a list of well-known passwords: choose another"
}

/** Reads a new password from the typed text. */
export const read = (typed: string): Effect.Effect<Either.Either<Password, Problem>> =>
  Either.match(Schema.decodeEither(Password)(typed), {
    onLeft: () => Effect.succeed(Either.left("PasswordInvalid")),
    onRight: (password) =>
      Effect.map(isWellKnown(password), (isWellKnown) =>
        isWellKnown ? Either.left("PasswordWellKnown") : Either.right(password)
      )
  })
