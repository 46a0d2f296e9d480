/**
 * Gives the operator the link to the first account: on a terminal it is printed; elsewhere output is stored and read by
 * others, so the link is in a file that only the operator can read.
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
import type { Target } from "../settings/Target.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"

/** Where the operator finds the link. */
export type FirstAccountLink = Data.TaggedEnum<{
  Shown: { readonly link: string }
  InFile: { readonly path: string }
  /** There is an account already. */
  Void: {}
}>
export const FirstAccountLink = Data.taggedEnum<FirstAccountLink>()

const fileName = "first-account-link"

/** Offers the link until there is an account or the scope closes. */
export const offer = ({ database, issuer }: Target) =>
  Effect.gen(function* () {
    const token = yield* (yield* FirstAccount).token
    if (Option.isNone(token)) {
      // A server that was killed may have left a file with a link that is void now.
      yield* Database.$match(database, {
        Memory: () => Effect.void,
        Postgres: () => Effect.void,
        Sqlite: ({ filename }) => remove(nextTo(filename))
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
      Sqlite: ({ filename }) => Effect.succeed(nextTo(filename))
    })
    yield* Effect.acquireRelease(write(path, link), () => remove(path))
    yield* Effect.forkScoped(Effect.zipRight(untilVoid, remove(path)))
    return FirstAccountLink.InFile({ path })
  })

/** Ends when there is an account, from this server or another. */
const untilVoid = Effect.gen(function* () {
  const first = yield* FirstAccount
  const exists = Effect.orElseSucceed(Effect.map(first.token, Option.isNone), () => false)
  yield* Effect.repeat(Effect.delay(exists, "1 second"), { until: (exists) => exists })
  yield* Effect.logInfo("first account exists, its link is void")
})

const nextTo = (filename: string) => Path.join(Path.dirname(filename), fileName)

/** A new folder that only this user can read. */
const temporaryFolder = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => Fs.mkdtemp(Path.join(Os.tmpdir(), "latchkey-")),
    catch: (cause) =>
      impossible(`${Os.tmpdir()}: the folder for the link to the first account cannot be made (${cause})`)
  }),
  (folder) => Effect.promise(() => Fs.rm(folder, { recursive: true, force: true }))
)

const inTemporaryFolder = Effect.map(temporaryFolder, (folder) => Path.join(folder, fileName))

/** Replaces the void link of an earlier run, or the link of a server that starts at the same time. */
const write = (path: string, link: string) => PrivateFile.replace(path, new TextEncoder().encode(`${link}\n`))

const remove = (path: string) => Effect.ignore(Effect.tryPromise(() => Fs.rm(path, { force: true })))
