/** The database of a server, written as `sqlite:PATH`, `postgres://…` or `memory:`. */
import * as Data from "effect/Data"
import * as Redacted from "effect/Redacted"
import * as PostgresAddress from "../../layers/sql/postgres/PostgresAddress.js"
import * as Settings from "./Settings.js"

export type Database = Data.TaggedEnum<{
  /** A file, created if it does not exist. */
  Sqlite: { readonly filename: string }
  /** A database on a server, and in it a schema, created if it does not exist. */
  Postgres: { readonly url: Redacted.Redacted }
  /** The memory of the server process. */
  Memory: {}
}>
export const Database = Data.taggedEnum<Database>()

/** Parses the text of the setting, which is valid. */
export const parse = (text: string): Database => {
  if (text === "memory:") return Database.Memory()
  return PostgresAddress.isOne(text)
    ? Database.Postgres({ url: Redacted.make(text) })
    : Database.Sqlite({ filename: text.slice("sqlite:".length) })
}

/** The database without any settings. */
export const standard: Database = parse(String(Settings.named("database").default))

/** Formats a database without its password. */
export const format = (self: Database): string =>
  Database.$match(self, {
    Memory: () => "memory:",
    Postgres: ({ url }) => PostgresAddress.withoutPassword(Redacted.value(url)),
    Sqlite: ({ filename }) => `sqlite:${filename}`
  })

/** Whether the URL holds a password, which must not be printed. */
export const holdsPassword = (self: Database): boolean =>
  Database.$is("Postgres")(self) && PostgresAddress.hasPassword(Redacted.value(self.url))

/** A database, and the settings with which it is opened. */
export interface Configured {
  readonly database: Database
  readonly settings: Settings.Settings
}
