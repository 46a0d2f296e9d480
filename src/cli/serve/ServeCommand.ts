/** `latchkey serve`: runs a server until it is stopped, in one process or in several. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Database from "../settings/Database.js"
import * as Settings from "../settings/Settings.js"
import type * as Sources from "../settings/Sources.js"
import * as Target from "../settings/Target.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as Primary from "../workers/Primary.js"
import * as Worker from "../workers/Worker.js"
import * as Part from "./Part.js"
import * as Server from "./Server.js"

const demo = Options.boolean("demo").pipe(
  Options.withDescription("Also run a small MCP server that stores notes and is protected by this server")
)

const api = Options.boolean("api").pipe(
  Options.withDescription("Also serve the account and admin API at /api; --demo implies it [env: LATCHKEY_API=on]")
)

const newIssuer = Options.boolean("new-issuer").pipe(
  Options.withDescription("Use a database that has only other issuers; their rows stay unchanged")
)

/** Fails if the server stores something in the memory of one process, which several workers cannot share. */
const requireShared = ({ database, given }: Target.Target, { demo }: Server.Options): Effect.Effect<void, Failure> => {
  const source = given.get(Settings.named("workers"))?.label
  const one = "or run one worker"
  if (demo) return badUsage(`${source}: workers cannot share the notes of --demo: leave out --demo, ${one}`)
  return Database.Database.$is("Memory")(database)
    ? badUsage(`${source}: workers cannot share memory: give a --database that is a file or PostgreSQL, ${one}`)
    : Effect.void
}

const start = (flags: Sources.Flags & Server.Options) =>
  Effect.gen(function* () {
    const target = yield* Target.load(flags)
    if (Worker.isWorker()) {
      return yield* Worker.run((worker) => Server.run(target, flags, Part.ofWorker(worker, target)))
    }
    const { workers } = target.settings
    if (workers === 1) return yield* Server.run(target, flags, Part.alone)
    yield* requireShared(target, flags)
    return yield* Effect.scoped(Primary.run(workers))
  })

export const serve = Command.make("serve", { ...Target.forServer, api, demo, newIssuer }, start).pipe(
  Command.withDescription("Run an authorization server")
)
