/** The database file: creates it, checks that it is a sound database of Latchkey before any change, and connects to it. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import { codeOf, isBusy } from "../../files/ErrorCode.js"
import * as NativeModule from "../../files/NativeModule.js"
import * as PrivateFile from "../../files/PrivateFile.js"
import { StorageOpenError } from "../../files/StorageOpenError.js"
import { latest, tables } from "../migrations.js"
import * as CheckpointThread from "./CheckpointThread.js"
import { untilFree } from "./SqliteError.js"

/** "Ltch": marks a SQLite file as Latchkey's (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const applicationId = 0x4c746368

/** Maximum size, in bytes, of a database that each start checks page by page. A check of this size takes one to two seconds. */
const checkedSize = 256 * 1024 * 1024

/** Maps an exception at opening. */
export const openError = (path: string, cause: unknown): StorageOpenError => {
  if (cause instanceof StorageOpenError) return cause
  if (NativeModule.isUnloadable(cause)) {
    return new StorageOpenError({ reason: "NativeModule", message: NativeModule.notBuilt("better-sqlite3"), cause })
  }
  const code = codeOf(cause)
  const refuse = (reason: StorageOpenError["reason"], why: string) =>
    new StorageOpenError({ reason, message: `${path}: ${why}${code === "" ? "" : ` (${code})`}`, cause })
  if (isBusy(cause)) return refuse("Locked", "another process has the lock of the database")
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return refuse("Corrupt", damaged)
  return refuse("NotWritable", "the database cannot be opened for reading and writing")
}

const damaged = "the database is damaged, and was not changed: restore a backup"

/** Runs a function that may throw. An exception becomes a `StorageOpenError`. Retries while the database is locked. */
export const attempt = <A>(path: string, run: () => A): Effect.Effect<A, StorageOpenError> =>
  untilFree(Effect.try({ try: run, catch: (cause) => openError(path, cause) }))

/**
 * Returns the absolute path of the database. Creates the file and its folders if they do not exist. Fails, and changes nothing,
 * if the file is not a sound database of this or an earlier version of Latchkey.
 */
export const prepare = (filename: string): Effect.Effect<string, StorageOpenError> =>
  Effect.gen(function* () {
    if (filename === "" || filename === ":memory:" || filename.startsWith("file:")) {
      return yield* new StorageOpenError({
        reason: "NotAFile",
        message: `"${filename}" is no file name: give a path, or use MemoryStorage`
      })
    }
    const path = Path.resolve(filename)
    // In this order, because SQLite creates a log after its database.
    const orphan = yield* attempt(path, () => ["-wal", "-journal"].find((suffix) => Fs.existsSync(path + suffix)))
    const exists = yield* attempt(path, () => Fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    if (!exists) {
      // SQLite would apply it to the new database (https://www.sqlite.org/howtocorrupt.html, "mispairing").
      if (orphan !== undefined) {
        return yield* refuse("Corrupt", path, `the database is missing, but its log ${orphan} exists`)
      }
      const content = yield* attempt(path, emptyDatabase)
      yield* PrivateFile.makeFolderOf(path)
      yield* PrivateFile.create(path, content)
    }
    yield* attempt(path, () => inspectFile(path))
    yield* attempt(path, () => inspectDatabase(path))
    // SQLite creates its files next to the database with the mode that the database has at that time.
    yield* PrivateFile.warnIfExposed("the database", [path, `${path}-wal`, `${path}-shm`])
    return path
  })

/** The bytes of an empty database with the application id. So a new file always has its mark. */
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

/** Checks the file without SQLite, which would begin by writing files next to it. Throws the reason to refuse it. */
const inspectFile = (path: string): void => {
  const stat = Fs.lstatSync(path)
  if (stat.isSymbolicLink()) throw refuse("NotAFile", path, "this is a symbolic link: give the path of the file itself")
  if (stat.isDirectory()) throw refuse("NotAFile", path, "this is a directory: give the path of a file")
  if (!stat.isFile()) throw refuse("NotAFile", path, "this is not a regular file")
  if (stat.size === 0)
    throw refuse("NotOurs", path, "this file is empty: remove it to create a new database, or restore a backup")
  // The header of a SQLite file (https://www.sqlite.org/fileformat2.html#the_database_header).
  const header = readStart(path, 100)
  if (header.length < 100 || header.toString("latin1", 0, 16) !== "SQLite format 3\0") {
    throw refuse("NotOurs", path, "this file is not a SQLite database")
  }
  if (header.readUInt32BE(68) !== applicationId)
    throw refuse("NotOurs", path, "this database belongs to another program")
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

/** Checks the database with SQLite, including the log. Throws the reason to refuse it. */
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

/** Returns the schema version (https://www.sqlite.org/pragma.html#pragma_user_version). */
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

/** No wait inside SQLite, which would block the event loop; no temporary files; no trust in the schema. */
const common = ["busy_timeout = 0", "temp_store = MEMORY", "trusted_schema = OFF", "foreign_keys = ON"]

/** Opens a connection that cannot write. Throws the exceptions of SQLite. */
export const openReader = (path: string): Sqlite.Database =>
  configured(new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 0 }), [...common, "query_only = ON"])

/** Number of pages in the log when a commit merges it, because the thread could not. */
const mergedPages = 4 * CheckpointThread.mergedPages

/**
 * Maximum size of the log in bytes, once no reader needs more of it: twice the size at which it is merged. While a reader
 * reads an old state, such as a backup, the log grows, and without a limit its file would keep that size.
 */
const logSize = 16 * 1024 * 1024

/**
 * Opens a connection whose commits survive a power failure (https://www.sqlite.org/pragma.html#pragma_synchronous, and
 * fullfsync for macOS), and that overwrites deleted content. Throws the exceptions of SQLite.
 */
export const openWriter = (path: string): Sqlite.Database => {
  const db = configured(new Sqlite(path, { fileMustExist: true, timeout: 0 }), [
    ...common,
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = ON",
    `wal_autocheckpoint = ${mergedPages}`,
    `journal_size_limit = ${logSize}`,
    ...(process.platform === "darwin" ? ["fullfsync = ON"] : [])
  ])
  if (db.pragma("journal_mode", { simple: true }) === "wal") return db
  db.close()
  throw refuse("NotWritable", path, "SQLite's write-ahead log does not work on this file system")
}
