/** Where the commands keep things, as one word: `sqlite:PATH`, or `memory:`. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryStore from "../layers/MemoryStore.js"
import * as SqliteStore from "../layers/SqliteStore.js"
import * as Environment from "./Environment.js"
import { table } from "./Settings.js"

/** A database that can be named. */
export type Database = Data.TaggedEnum<{
  /** A file, made when there is none. */
  Sqlite: { readonly filename: string }
  /** The memory of the server's own process. */
  Memory: {}
}>
export const Database = Data.taggedEnum<Database>()

/** From what the setting has been checked to be. */
export const parse = (text: string): Database =>
  text === "memory:" ? Database.Memory() : Database.Sqlite({ filename: text.slice("sqlite:".length) })

/** Where a server keeps things unless it is told otherwise. */
export const standard: Database = parse(table.database.standard)

export const format = (self: Database): string =>
  Database.$match(self, { Memory: () => "memory:", Sqlite: ({ filename }) => `sqlite:${filename}` })

/** Opens it, with the master key of the environment where there is one. */
export const layer = (self: Database) =>
  Database.$match(self, {
    Memory: () => MemoryStore.layer,
    Sqlite: ({ filename }) =>
      Layer.unwrapEffect(Effect.map(Environment.masterKey, (masterKey) => SqliteStore.layer({ filename, masterKey })))
  })
