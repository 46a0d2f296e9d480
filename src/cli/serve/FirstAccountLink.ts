/**
 * How the person who starts a server comes by the link to its first account: on their terminal, or else, since what is
 * printed elsewhere is kept and read by others, in a file that only they can read.
 */
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as FirstAccountEndpoint from "../../http/browser/FirstAccountEndpoint.js"
import * as PrivateFile from "../../layers/files/PrivateFile.js"
import { FirstAccount } from "../../services/accounts/FirstAccount.js"
import { Database } from "../settings/Database.js"
import type { Place } from "../settings/ServerOptions.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"

/** Where the link is. */
export type FirstAccountLink = Data.TaggedEnum<{
  Shown: { readonly link: string }
  InFile: { readonly path: string }
  /** There is an account. */
  Void: {}
}>
export const FirstAccountLink = Data.taggedEnum<FirstAccountLink>()

const fileName = "first-account-link"

/** Offers the link for as long as it is good, and the scope is open. */
export const offer = ({ database, issuer }: Place) =>
  Effect.gen(function* () {
    const token = yield* (yield* FirstAccount).token
    if (Option.isNone(token)) {
      // A server that was killed may have left one; it is void.
      yield* Database.$match(database, {
        Memory: () => Effect.void,
        Postgres: () => Effect.void,
        Sqlite: ({ filename }) => remove(beside(filename))
      })
      return FirstAccountLink.Void()
    }
    const link = FirstAccountEndpoint.link(issuer, token.value)
    if (Output.isTerminal()) {
      yield* Effect.forkScoped(untilVoid)
      return FirstAccountLink.Shown({ link })
    }
    const path = yield* Database.$match(database, {
      Memory: () => inTemporaryFolder,
      Postgres: () => inTemporaryFolder,
      Sqlite: ({ filename }) => Effect.succeed(beside(filename))
    })
    yield* Effect.acquireRelease(write(path, link), () => remove(path))
    yield* Effect.forkScoped(Effect.zipRight(untilVoid, remove(path)))
    return FirstAccountLink.InFile({ path })
  })

/** Ends when there is an account, whoever made it. */
const untilVoid = Effect.gen(function* () {
  const first = yield* FirstAccount
  const exists = Effect.orElseSucceed(Effect.map(first.token, Option.isNone), () => false)
  yield* Effect.repeat(Effect.delay(exists, "1 second"), { until: (exists) => exists })
  yield* Effect.logInfo("there is a first account, and its link is void")
})

const beside = (filename: string) => Path.join(Path.dirname(filename), fileName)

/** A new folder, for nobody else. */
const temporaryFolder = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => Fs.mkdtemp(Path.join(Os.tmpdir(), "latchkey-")),
    catch: (cause) => impossible(`${Os.tmpdir()}: a folder for the first account's link cannot be made (${cause})`)
  }),
  (folder) => Effect.promise(() => Fs.rm(folder, { recursive: true, force: true }))
)

const inTemporaryFolder = Effect.map(temporaryFolder, (folder) => Path.join(folder, fileName))

/** What lies there already is the void link of an earlier run, or that of a server that starts at the same time. */
const write = (path: string, link: string) => PrivateFile.replace(path, new TextEncoder().encode(`${link}\n`))

const remove = (path: string) => Effect.ignore(Effect.tryPromise(() => Fs.rm(path, { force: true })))
