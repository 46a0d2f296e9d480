/** Runs a command with the services of a server on the same database, while the server runs or is stopped. */
import * as Fs from "node:fs"
import * as Command from "@effect/cli/Command"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as ApiResource from "../../http/admin/ApiResource.js"
import * as AuthServer from "../../layers/wiring/AuthServer.js"
import { Resources } from "../../services/resources/Resources.js"
import * as Database from "../settings/Database.js"
import * as DatabaseLayer from "../settings/DatabaseLayer.js"
import * as LibraryOptions from "../settings/LibraryOptions.js"
import * as Refusals from "../settings/Refusals.js"
import type * as Sources from "../settings/Sources.js"
import * as Target from "../settings/Target.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as Operator from "./Operator.js"

/**
 * The services of a server without its endpoints. A command does not know the resources of the demo. It knows the scopes of
 * the admin API, whether or not the API is served.
 */
const layer = (target: Target.Target) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const { database, issuer } = target
      if (Database.Database.$is("Memory")(database)) {
        return yield* badUsage("memory: is inside the server process: give the --database of another server")
      }
      return AuthServer.layerServices({ issuer, ...(yield* LibraryOptions.options(target)) }).pipe(
        Layer.tap((services) => Context.get(services, Resources).addBuiltIn(ApiResource.make(issuer))),
        Layer.provide(DatabaseLayer.layerFor(target, false))
      )
    })
  )

/** Opens the database of a server and runs a command on it. Creates the database if it does not exist. */
export const provide =
  (target: Target.Target) =>
  <A, R>(self: Effect.Effect<A, Failure | TemporarilyUnavailable, R>) =>
    Operator.acting(Effect.catchTags(Effect.provide(self, layer(target)), Refusals.ofStorage(target)))

/** Fails if the database file does not exist: most likely its path is misspelt. */
export const requireExisting = ({ database }: Target.Target): Effect.Effect<void, Failure> =>
  Database.Database.$match(database, {
    Memory: () => Effect.void,
    // Opening fails if the database cannot be reached. Its tables are created if they do not exist.
    Postgres: () => Effect.void,
    Sqlite: ({ filename }) =>
      Effect.suspend(() =>
        Fs.existsSync(filename)
          ? Effect.void
          : impossible(`${filename}: there is no such database: start the server first, or give its --database`)
      )
  })

/** Opens an existing database and runs a command on it. */
export const onExisting = <A, R>(
  flags: Sources.Flags,
  use: (target: Target.Target) => Effect.Effect<A, Failure | TemporarilyUnavailable, R>
) =>
  Effect.gen(function* () {
    const target = yield* Target.load(flags)
    yield* requireExisting(target)
    return yield* provide(target)(use(target))
  })

/** Makes a command that works on the existing database of a server. */
export const command = <Name extends string, const Config extends Command.Command.Config, A, R>(
  verb: Name,
  description: string,
  config: Config,
  use: (
    given: Command.Command.ParseConfigValue<Config>,
    target: Target.Target
  ) => Effect.Effect<A, Failure | TemporarilyUnavailable, R>
) =>
  Command.make(verb, { given: config, flags: Target.forCommand }, ({ flags, given }) =>
    onExisting(flags, (target) => use(given, target))
  ).pipe(Command.withDescription(description))
