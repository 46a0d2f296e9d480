/** Settings of the database and of the key that encrypts it. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as MasterKeyFile from "../../layers/files/MasterKeyFile.js"
import * as PostgresAddress from "../../layers/sql/postgres/PostgresAddress.js"
import * as Durations from "./Durations.js"
import { optional, setting } from "./Setting.js"
import * as Texts from "./Texts.js"

const DatabaseText = Schema.String.pipe(
  Schema.filter((text) => /^(memory:|sqlite:.+)$/.test(text) || PostgresAddress.isOne(text))
)

/** The master key: 256 bits. The error of an invalid key does not contain the key. */
const MasterKey = Schema.transformOrFail(Schema.String, Schema.RedactedFromSelf(Schema.Uint8ArrayFromSelf), {
  strict: true,
  decode: (text, _, ast) =>
    Option.match(MasterKeyFile.fromText(text), {
      onNone: () => ParseResult.fail(new ParseResult.Type(ast, undefined)),
      onSome: (key) => ParseResult.succeed(key)
    }),
  encode: (_, __, ast) => ParseResult.fail(new ParseResult.Forbidden(ast, undefined))
})

export const databaseFields = {
  database: setting(DatabaseText, {
    description:
      "Database: sqlite:PATH, postgres://USER@HOST/NAME, or memory: (everything is lost when the server stops)",
    default: "sqlite:data/latchkey.db",
    hint: "give sqlite:PATH, postgres://USER@HOST/NAME, or memory:",
    placeholder: "DATABASE",
    withoutSecret: (value) => (typeof value === "string" ? PostgresAddress.withoutPassword(value) : value)
  }),
  databaseSchema: setting(Schema.String.pipe(Schema.pattern(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/)), {
    description: "Schema of the tables in a PostgreSQL database",
    default: PostgresAddress.standardSchema,
    hint: "give a name of letters, digits and underscores"
  }),
  databaseConnections: setting(Schema.Int.pipe(Schema.between(1, 1_000)), {
    description: "Maximum number of PostgreSQL connections of each server process",
    default: 10,
    fromText: Texts.toNumber,
    hint: "give a number from 1 to 1000"
  }),
  databaseTimeout: setting(Durations.DurationText.pipe(Schema.filter((duration) => Duration.toMillis(duration) >= 1)), {
    description:
      "Maximum time that a request waits for a PostgreSQL statement or for a free connection. After it, the server answers 503",
    default: "2 seconds",
    hint: 'give a duration, such as "2 seconds"'
  }),
  masterKey: optional(MasterKey, {
    description: "Key of the database, 32 bytes in base64url",
    defaultText: "read from a file next to the database",
    hint: "give 32 bytes in base64url, which are 43 characters",
    only: "Environment",
    isSecret: true
  }),
  masterKeyFile: optional(Schema.NonEmptyString, {
    description: "File with the key of the database, such as a mounted secret",
    defaultText: "LATCHKEY_MASTER_KEY or the file next to the database",
    hint: "give the path of a file",
    only: "Environment"
  })
}
