/** Reads a new password: typed twice on the terminal without an echo, or from standard input. */
import * as Prompt from "@effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { isSamePassword, type Username } from "../../domain/Account.js"
import * as NewPassword from "../../services/accounts/NewPassword.js"
import { badUsage, type Failure, impossible } from "./Failure.js"
import * as Output from "./Output.js"

/** Maximum number of bytes that are read; no password is as long. */
const maxBytes = 4096

/** Fails if there is neither a terminal nor `--password-stdin`. */
export const requireSource = (fromStdin: boolean): Effect.Effect<void, Failure> =>
  Effect.suspend(() => {
    if (fromStdin) {
      return process.stdin.isTTY === true
        ? badUsage("--password-stdin is for a password from another program: leave it out to type the password")
        : Effect.void
    }
    return Output.canAsk()
      ? Effect.void
      : badUsage("there is no terminal to type the password: give it with --password-stdin")
  })

const decode = (text: string) =>
  Effect.flatMap(
    NewPassword.read(text),
    Either.mapLeft((problem) => NewPassword.sentences[problem])
  )

/** Asks until the password is valid and typed twice. */
const ask = (username: Username) =>
  Effect.gen(function* () {
    const password = yield* Prompt.run(
      Prompt.hidden({
        message: `Password for ${username}`,
        validate: (text) => Effect.map(decode(text), Redacted.value)
      })
    )
    yield* Prompt.run(
      Prompt.hidden({
        message: "Repeat the password",
        validate: (text) =>
          isSamePassword(Redacted.value(password), text) ? Effect.succeed(text) : Effect.fail("the passwords differ")
      })
    )
    return password
  }).pipe(
    // The question is on a line without a line break.
    Effect.tapErrorTag("QuitException", () => Output.print("")),
    Effect.catchTag("QuitException", () => impossible("nothing was changed"))
  )

/** Reads standard input to its end, or to the maximum. */
const readStdin = Effect.tryPromise({
  try: async () => {
    const chunks: Array<Buffer> = []
    let size = 0
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > maxBytes) break
    }
    return Buffer.concat(chunks)
  },
  catch: () => badUsage("the password could not be read from standard input")
})

/** `printf` sends no line break, `echo` does; a file may begin with a byte order mark. */
const fromStdin = Effect.flatMap(readStdin, (bytes) => {
  const text = bytes
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .replace(/\r?\n$/, "")
  return /[\r\n]/.test(text)
    ? badUsage("the password on standard input has more than one line")
    : Effect.mapError(decode(text), badUsage)
})

/** Reads the new password of an account. */
export const read = (username: Username, stdin: boolean) => (stdin ? fromStdin : ask(username))
