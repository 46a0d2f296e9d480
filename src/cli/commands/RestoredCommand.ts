/** `latchkey db restored`: run once after a backup was restored, before the server starts. */
import * as Command from "@effect/cli/Command"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Issuer } from "../../domain/Issuer.js"
import * as MasterKeyFile from "../../layers/files/MasterKeyFile.js"
import * as SqliteStorage from "../../layers/SqliteStorage.js"
import * as Restore from "../../services/maintenance/Restore.js"
import { Storage } from "../../services/stores/Storage.js"
import type * as Database from "../settings/Database.js"
import * as DatabaseLayer from "../settings/DatabaseLayer.js"
import * as MasterKey from "../settings/MasterKey.js"
import * as Refusals from "../settings/Refusals.js"
import * as Setting from "../settings/Setting.js"
import * as Settings from "../settings/Settings.js"
import * as Target from "../settings/Target.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as BulkProgress from "./BulkProgress.js"
import { json } from "./CommandOptions.js"
import * as Operator from "./Operator.js"
import * as StoredDatabase from "./StoredDatabase.js"

/** Maximum time of a PostgreSQL statement: no request waits, and the command must complete. */
const timeout = Duration.minutes(5)

/** The pace of a command that runs while no server runs. */
const atOnce = BulkProgress.at(BulkProgress.alone)

/** The issuers that have keys in the database. */
const issuers = Effect.flatMap(Storage, ({ issuers }) => Effect.map(issuers, (all) => all.filter(Schema.is(Issuer))))

/** Restores under the master key of the environment, which the operator has replaced. */
const underGivenKey = (target: Database.Configured, variable: string) =>
  Effect.gen(function* () {
    const all = yield* issuers
    const isKnown = all.length > 0 && (yield* Effect.forEach(all, Restore.opensAllKeys)).every((known) => known)
    if (isKnown) {
      return yield* impossible(
        `${variable} still holds the old master key: set a new one, here and for every server. This prints one: node -p "crypto.randomBytes(32).toString('base64url')"`
      )
    }
    return { masterKey: variable, grants: yield* atOnce(Restore.run(all)) }
  }).pipe(Effect.provide(DatabaseLayer.layer(target, timeout)), Effect.catchTags(Refusals.ofDatabase))

/** Restores under a new master key, which replaces the key in the file next to the database. */
const underNewKey = (filename: string, path: string) =>
  Effect.gen(function* () {
    const masterKey = yield* MasterKeyFile.draw
    return yield* Effect.gen(function* () {
      // From here on no server can open the database until Restore.run is done.
      yield* MasterKeyFile.replace(path, masterKey)
      return { masterKey: path, grants: yield* atOnce(Restore.run(yield* issuers)) }
    }).pipe(Effect.provide(SqliteStorage.layer({ filename, masterKey })))
  }).pipe(Effect.catchTags(Refusals.ofDatabase))

export const restored = Command.make("restored", { json, ...Target.forCommand }, ({ json, ...flags }) =>
  Effect.gen(function* () {
    const target = yield* StoredDatabase.existing(flags)
    const { database, settings } = target
    const key = yield* MasterKey.given(settings)
    const name = StoredDatabase.nameOf(database)
    const { grants, masterKey } = yield* Operator.acting(
      database._tag === "Sqlite" && Option.isNone(key)
        ? underNewKey(database.filename, `${name}.key`)
        : underGivenKey(
            target,
            Option.match(key, {
              onNone: () => Setting.variableOf(Settings.named("masterKey")),
              onSome: ({ variable }) => variable
            })
          )
    )
    yield* Output.result(
      json,
      { database: name, grants, master_key: masterKey },
      [
        `All tokens, sessions and consents of ${name} are revoked (${grants} grants)`,
        `The master key in ${masterKey} is new. Back it up: no older key opens this database, and the new key opens no older backup`,
        "Start the server. Users and clients must log in again. Passwords, secrets and accounts are those of the backup: check what changed since"
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription(
    "Revoke all tokens, sessions and consents after a backup was restored, and replace the master key. Stop every server first"
  )
)
