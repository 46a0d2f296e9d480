/** A password that somebody chooses: asked for twice without showing it, or read from standard input. */
import * as Prompt from "@effect/cli/Prompt"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { isSamePassword, type Username } from "../../domain/Account.js"
import * as NewPassword from "../../services/accounts/NewPassword.js"
import { badUsage, type Failure, impossible } from "./Failure.js"
import * as Output from "./Output.js"

/** More than any password has. */
const limit = 4096

/** Fails when nobody is there to be asked, and standard input was not named. */
export const requireSource = (fromStdin: boolean): Effect.Effect<void, Failure> =>
  Effect.suspend(() => {
    if (fromStdin) {
      return process.stdin.isTTY === true
        ? badUsage("--password-stdin is for a password that another program gives: leave it out to be asked")
        : Effect.void
    }
    return Output.canAsk()
      ? Effect.void
      : badUsage("there is no terminal on which to ask for the password: give it by --password-stdin")
  })

const decode = (text: string) =>
  Effect.flatMap(
    NewPassword.read(text),
    Either.mapLeft((problem) => NewPassword.sentences[problem])
  )

/** Asks until there is a password that can be used, twice the same. */
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
        message: "Once more",
        validate: (text) =>
          isSamePassword(Redacted.value(password), text)
            ? Effect.succeed(text)
            : Effect.fail("this differs from the first")
      })
    )
    return password
  }).pipe(
    // What was asked stands on a line that has not ended.
    Effect.tapErrorTag("QuitException", () => Output.print("")),
    Effect.catchTag("QuitException", () => impossible("nothing was changed"))
  )

/** All of standard input, up to the limit. */
const readStdin = Effect.tryPromise({
  try: async () => {
    const chunks: Array<Buffer> = []
    let size = 0
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > limit) break
    }
    return Buffer.concat(chunks)
  },
  catch: () => badUsage("the password could not be read from standard input")
})

/** `printf` sends a line without its end, `echo` with it; a file may begin with a byte order mark. */
const fromStdin = Effect.flatMap(readStdin, (bytes) => {
  const text = bytes
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .replace(/\r?\n$/, "")
  return /[\r\n]/.test(text)
    ? badUsage("the password on standard input is more than one line")
    : Effect.mapError(decode(text), badUsage)
})

/** The new password. */
export const read = (username: Username, stdin: boolean) => (stdin ? fromStdin : ask(username))
