/** What a command needs that works beside a running server: the same database, and the services on it. */
import * as Fs from "node:fs"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as ApiResource from "../../http/admin/ApiResource.js"
import * as AuthServer from "../../layers/wiring/AuthServer.js"
import { Resources } from "../../services/resources/Resources.js"
import * as Database from "../settings/Database.js"
import * as Environment from "../settings/Environment.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import { badUsage, type Failure, impossible } from "../terminal/Failure.js"
import * as Refusals from "../terminal/Refusals.js"
import * as Operator from "./Operator.js"

/**
 * The services of a place, without its endpoints. A command does not know the resources of the demo. It knows
 * the scopes of the server's API, whether or not the API is served.
 */
const layer = ({ database, issuer }: ServerOptions.Place) =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      if (Database.Database.$is("Memory")(database)) {
        return yield* badUsage(
          "memory: is the memory of the server alone: give the --database of a server that has one"
        )
      }
      return AuthServer.layerServices({ issuer, ...(yield* Environment.options) }).pipe(
        Layer.tap((services) => Context.get(services, Resources).addBuiltIn(ApiResource.make(issuer))),
        Layer.provide(Database.layerFor(database, issuer, false))
      )
    })
  )

/** Opens the database of a place, and runs a command on it. */
export const provide =
  (place: ServerOptions.Place) =>
  <A, R>(self: Effect.Effect<A, Failure | TemporarilyUnavailable, R>) =>
    Operator.acting(Effect.catchTags(Effect.provide(self, layer(place)), Refusals.ofStorage(place)))

/** Reading makes no database: one that is not there is not the one that was meant. */
export const requireExisting = ({ database }: ServerOptions.Place): Effect.Effect<void, Failure> =>
  Database.Database.$match(database, {
    Memory: () => Effect.void,
    // There is one, or it cannot be reached; what a server needs in it may be made.
    Postgres: () => Effect.void,
    Sqlite: ({ filename }) =>
      Effect.suspend(() =>
        Fs.existsSync(filename)
          ? Effect.void
          : impossible(`${filename}: there is no such database: start the server first, or give its --database`)
      )
  })

/** Runs a command on the database that was meant, which is there. */
export const onExisting = <A, R>(
  given: ServerOptions.Typed,
  use: (place: ServerOptions.Place) => Effect.Effect<A, Failure | TemporarilyUnavailable, R>
) =>
  Effect.gen(function* () {
    const place = yield* ServerOptions.read(given)
    yield* requireExisting(place)
    return yield* provide(place)(use(place))
  })
