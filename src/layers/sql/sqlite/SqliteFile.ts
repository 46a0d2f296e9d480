/**
 * The database file: making it, telling whether it is ours and sound before it is touched, and connecting to it.
 */

import * as Fs from "node:fs"
import * as Path from "node:path"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as NativeModule from "../../files/NativeModule.js"
import * as PrivateFile from "../../files/PrivateFile.js"
import { codeOf, isBusy } from "../ErrorCode.js"
import { latest, tables } from "../migrations.js"
import { StorageOpenError } from "../StorageOpenError.js"
import { untilFree } from "./SqliteError.js"

/** "Ltch": says of a SQLite file that it is ours (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const applicationId = 0x4c746368

/** Databases up to this size are checked page by page at each start: it takes a second or two for this much. */
const checkedSize = 256 * 1024 * 1024

/** What an exception at opening means. */
export const openError = (path: string, cause: unknown): StorageOpenError => {
  if (cause instanceof StorageOpenError) return cause
  if (NativeModule.isUnloadable(cause)) {
    return new StorageOpenError({ reason: "NativeModule", message: NativeModule.notBuilt("better-sqlite3"), cause })
  }
  const code = codeOf(cause)
  const refuse = (reason: StorageOpenError["reason"], why: string) =>
    new StorageOpenError({ reason, message: `${path}: ${why}${code === "" ? "" : ` (${code})`}`, cause })
  if (isBusy(cause)) return refuse("Locked", "another process holds the database's lock")
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return refuse("Corrupt", damaged)
  return refuse("NotWritable", "the database cannot be opened for reading and writing")
}

const damaged = "the database is damaged, and was not changed: restore it from a backup"

/** Runs what may throw; anything that it throws becomes a `StorageOpenError`, and a busy database is awaited. */
export const attempt = <A>(path: string, run: () => A): Effect.Effect<A, StorageOpenError> =>
  untilFree(Effect.try({ try: run, catch: (cause) => openError(path, cause) }))

/**
 * The path at which the database lies, in full. Makes it when there is none, with the folders above it. Fails, and
 * changes nothing, when what lies there is not a sound database of ours and of our version.
 */
export const prepare = (filename: string): Effect.Effect<string, StorageOpenError> =>
  Effect.gen(function* () {
    if (filename === "" || filename === ":memory:" || filename.startsWith("file:")) {
      return yield* new StorageOpenError({
        reason: "NotAFile",
        message: `"${filename}" names no file: give a path, or use MemoryStorage`
      })
    }
    const path = Path.resolve(filename)
    // In this order: a log appears after its database.
    const orphan = yield* attempt(path, () => ["-wal", "-journal"].find((suffix) => Fs.existsSync(path + suffix)))
    const exists = yield* attempt(path, () => Fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    if (!exists) {
      // SQLite would apply it to the new database (https://www.sqlite.org/howtocorrupt.html, "mispairing").
      if (orphan !== undefined) {
        return yield* refuse("Corrupt", path, `the database is gone, and its log ${orphan} is not`)
      }
      const content = yield* attempt(path, emptyDatabase)
      yield* PrivateFile.makeFolderOf(path)
      yield* PrivateFile.create(path, content)
    }
    yield* attempt(path, () => inspectFile(path))
    yield* attempt(path, () => inspectDatabase(path))
    // SQLite gives its own files beside the database the mode that the database had when it made them.
    yield* PrivateFile.warnIfExposed("the database", [path, `${path}-wal`, `${path}-shm`])
    return path
  })

/** The bytes of a database that holds nothing but whose it is: so a file of ours is never seen without its mark. */
const emptyDatabase = (): Uint8Array => {
  const db = new Sqlite(":memory:")
  try {
    db.pragma(`application_id = ${applicationId}`)
    return db.serialize()
  } finally {
    db.close()
  }
}

const refuse = (reason: StorageOpenError["reason"], path: string, why: string) =>
  new StorageOpenError({ reason, message: `${path}: ${why}` })

const newer = (path: string) =>
  refuse("Newer", path, "a later version of Latchkey has migrated this database: use that version, or restore a backup")

/** What can be told without SQLite, which would begin by writing beside the file. Throws what speaks against it. */
const inspectFile = (path: string): void => {
  const stat = Fs.lstatSync(path)
  if (stat.isSymbolicLink()) throw refuse("NotAFile", path, "this is a symbolic link: give the path of the file itself")
  if (stat.isDirectory()) throw refuse("NotAFile", path, "this is a directory: give the path of a file")
  if (!stat.isFile()) throw refuse("NotAFile", path, "this is no regular file")
  if (stat.size === 0)
    throw refuse("NotOurs", path, "this file is empty: remove it, and it will be made, or restore it from a backup")
  // The header of a SQLite file (https://www.sqlite.org/fileformat2.html#the_database_header).
  const header = readStart(path, 100)
  if (header.length < 100 || header.toString("latin1", 0, 16) !== "SQLite format 3\0") {
    throw refuse("NotOurs", path, "this file is no SQLite database")
  }
  if (header.readUInt32BE(68) !== applicationId) throw refuse("NotOurs", path, "this is another program's database")
  if (header.readUInt32BE(60) > latest) throw newer(path)
  Fs.accessSync(path, Fs.constants.R_OK | Fs.constants.W_OK)
  Fs.accessSync(Path.dirname(path), Fs.constants.W_OK)
}

const readStart = (path: string, length: number): Buffer => {
  const file = Fs.openSync(path, "r")
  try {
    const bytes = Buffer.alloc(length)
    return bytes.subarray(0, Fs.readSync(file, bytes, 0, length, 0))
  } finally {
    Fs.closeSync(file)
  }
}

/** What only SQLite can tell, the log beside the file included. Throws what speaks against it. */
const inspectDatabase = (path: string): void => {
  const db = openReader(path)
  try {
    const version = versionOf(db)
    if (version > latest) throw newer(path)
    const names = new Set(db.prepare("select name from sqlite_schema where type = 'table'").pluck().all())
    const ours = version === 0 ? names.size === 0 : tables.every((table) => names.has(table))
    if (!ours) throw refuse("NotOurs", path, "the tables in this database do not belong to Latchkey")
    if (Fs.statSync(path).size <= checkedSize && db.pragma("quick_check(1)", { simple: true }) !== "ok") {
      throw refuse("Corrupt", path, damaged)
    }
  } finally {
    db.close()
  }
}

/** The version of the schema (https://www.sqlite.org/pragma.html#pragma_user_version). */
export const versionOf = (db: Sqlite.Database): number => Number(db.pragma("user_version", { simple: true }))

const configured = (db: Sqlite.Database, pragmas: ReadonlyArray<string>): Sqlite.Database => {
  try {
    for (const pragma of pragmas) db.pragma(pragma)
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

/** No waiting inside SQLite, which would stop the event loop; nothing spilled to other files; no schema trusted. */
const common = ["busy_timeout = 0", "temp_store = MEMORY", "trusted_schema = OFF", "foreign_keys = ON"]

/** A connection that cannot write. Throws what SQLite throws. */
export const openReader = (path: string): Sqlite.Database =>
  configured(new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 0 }), [...common, "query_only = ON"])

/**
 * A connection whose commits outlive a power failure (https://www.sqlite.org/pragma.html#pragma_synchronous, and
 * fullfsync for macOS), and that overwrites what it deletes. Throws what SQLite throws.
 */
export const openWriter = (path: string): Sqlite.Database => {
  const db = configured(new Sqlite(path, { fileMustExist: true, timeout: 0 }), [
    ...common,
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = ON",
    ...(process.platform === "darwin" ? ["fullfsync = ON"] : [])
  ])
  if (db.pragma("journal_mode", { simple: true }) === "wal") return db
  db.close()
  throw refuse("NotWritable", path, "SQLite's write-ahead log does not work on this file system")
}
