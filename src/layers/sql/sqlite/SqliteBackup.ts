/**
 * Copies a SQLite database as of one moment, while servers read and write it
 * (https://www.sqlite.org/lang_vacuum.html#vacuuminto). The copy contains no deleted content.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import { randomBytes } from "../../../services/keys/Crypto.js"
import { codeOf } from "../../files/ErrorCode.js"
import * as NativeModule from "../../files/NativeModule.js"
import { StorageOpenError } from "../../files/StorageOpenError.js"
import * as SqliteFile from "./SqliteFile.js"

/**
 * Writes the copy of the database at `path` to `target`, readable for its owner only. The copy is complete and flushed to the
 * disk, or absent. An existing file is not changed. Returns the size in bytes.
 */
export const write = (path: string, target: string): Effect.Effect<number, StorageOpenError> =>
  Effect.gen(function* () {
    const draft = `${target}.${Encoding.encodeHex(yield* randomBytes(8))}.new`
    return yield* Effect.try({
      try: () => {
        refuseExisting(target)
        Fs.closeSync(Fs.openSync(draft, "wx", 0o600))
        vacuum(path, draft)
        check(draft)
        flush(draft)
        Fs.linkSync(draft, target)
        flush(Path.dirname(target))
        return Fs.statSync(target).size
      },
      catch: (cause) => errorOf(path, target, cause)
    }).pipe(Effect.ensuring(Effect.sync(() => Fs.rmSync(draft, { force: true }))))
  })

const exists = (target: string) =>
  new StorageOpenError({ reason: "NotWritable", message: `${target}: this file exists, and was not changed` })

const refuseExisting = (target: string): void => {
  // SQLite would apply the log of another database to the copy.
  const found = [target, `${target}-wal`, `${target}-journal`].find(
    (path) => Fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined
  )
  if (found !== undefined) throw exists(found)
}

const vacuum = (path: string, draft: string): void => {
  const db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 0 })
  try {
    db.prepare("vacuum into ?").run(draft)
  } finally {
    db.close()
  }
}

/** Reads the copy once, page by page, because a backup that cannot be read is useless. */
const check = (draft: string): void => {
  const db = SqliteFile.openReader(draft)
  try {
    if (db.pragma("integrity_check(1)", { simple: true }) === "ok") return
  } finally {
    db.close()
  }
  throw new StorageOpenError({ reason: "Corrupt", message: `${draft}: the copy is damaged: try another disk` })
}

const flush = (path: string): void => {
  const file = Fs.openSync(path, "r")
  try {
    Fs.fsyncSync(file)
  } catch (cause) {
    // Windows cannot flush folders.
    if (process.platform !== "win32") throw cause
  } finally {
    Fs.closeSync(file)
  }
}

const errorOf = (path: string, target: string, cause: unknown): StorageOpenError => {
  if (cause instanceof StorageOpenError) return cause
  if (NativeModule.isUnloadable(cause)) return SqliteFile.openError(path, cause)
  const code = codeOf(cause)
  if (code === "EEXIST") return exists(target)
  if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB")) return SqliteFile.openError(path, cause)
  return new StorageOpenError({
    reason: "NotWritable",
    message: `${target}: the copy was not written (${code})`,
    cause
  })
}
