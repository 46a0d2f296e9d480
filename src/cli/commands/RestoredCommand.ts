/** `latchkey db restored`: said once after a backup was put back, before the server starts. */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Issuer } from "../../domain/Issuer.js"
import * as MasterKeyFile from "../../layers/files/MasterKeyFile.js"
import * as SqliteStorage from "../../layers/SqliteStorage.js"
import * as Restore from "../../services/maintenance/Restore.js"
import { Storage } from "../../services/stores/Storage.js"
import * as Database from "../settings/Database.js"
import * as Environment from "../settings/Environment.js"
import * as ServerOptions from "../settings/ServerOptions.js"
import * as Setting from "../settings/Setting.js"
import { table } from "../settings/Settings.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as Refusals from "../terminal/Refusals.js"
import * as BulkProgress from "./BulkProgress.js"
import * as DatabaseCommands from "./DatabaseCommands.js"
import * as Operator from "./Operator.js"

const options = {
  json: Options.boolean("json").pipe(Options.withDescription("Prints it as JSON.")),
  ...ServerOptions.forCommand
}

/** Nobody waits but the operator, and it has to come to its end. */
const longest = Duration.minutes(5)

/** At the pace of a command beside which no server runs. */
const atOnce = BulkProgress.at(BulkProgress.alone)

/** The issuers that have keys in the database. */
const issuers = Effect.flatMap(Storage, ({ issuers }) => Effect.map(issuers, (all) => all.filter(Schema.is(Issuer))))

/** The master key stands in the environment, where the operator has put a new one. */
const underGivenKey = (database: Database.Database, variable: string) =>
  Effect.gen(function* () {
    const all = yield* issuers
    const isKnown = all.length > 0 && (yield* Effect.forEach(all, Restore.opensAllKeys)).every((known) => known)
    if (isKnown) {
      return yield* impossible(
        `${variable} is the master key of before: put a new one in its place, here and for every server, such as what node -p "crypto.randomBytes(32).toString('base64url')" prints`
      )
    }
    return { masterKey: variable, grants: yield* atOnce(Restore.run(all)) }
  }).pipe(Effect.provide(Database.layer(database, longest)), Effect.catchTags(Refusals.ofDatabase))

/** The master key lies beside the file; a new one takes its place. */
const underNewKey = (filename: string, path: string) =>
  Effect.gen(function* () {
    const masterKey = yield* MasterKeyFile.draw
    return yield* Effect.gen(function* () {
      // From here on the database does not open, until what follows is done.
      yield* MasterKeyFile.replace(path, masterKey)
      return { masterKey: path, grants: yield* atOnce(Restore.run(yield* issuers)) }
    }).pipe(Effect.provide(SqliteStorage.layer({ filename, masterKey })))
  }).pipe(Effect.catchTags(Refusals.ofDatabase))

export const restored = Command.make("restored", options, ({ json, ...given }) =>
  Effect.gen(function* () {
    const database = yield* DatabaseCommands.existing(given)
    const key = yield* Environment.givenMasterKey
    const name = DatabaseCommands.nameOf(database)
    const { grants, masterKey } = yield* Operator.acting(
      database._tag === "Sqlite" && Option.isNone(key)
        ? underNewKey(database.filename, `${name}.key`)
        : underGivenKey(
            database,
            Option.match(key, { onNone: () => Setting.variableOf(table.masterKey), onSome: ({ variable }) => variable })
          )
    )
    yield* Output.print(
      json
        ? Output.toJson({ database: name, grants, master_key: masterKey })
        : [
            `Nothing that ${name} gave out lives any more: ${grants} grants are revoked, every session and remembered consent is ended`,
            `The master key in ${masterKey} is new: with another this database does not open, nor does this key open an older one`,
            "Start the server. Clients and people log in anew; passwords, secrets and accounts are those of then: see to what was changed since"
          ].join("\n")
    )
  })
).pipe(
  Command.withDescription(
    "Ends everything that was given out, because the database was put back to an earlier time, and replaces the master key. Stop every server first."
  )
)
