/** Files that only their owner can read. A file is created completely or not at all. */

import { type Stats, statSync } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import { randomBytes } from "../../services/keys/Crypto.js"
import { codeOf } from "./ErrorCode.js"
import * as ShellWord from "./ShellWord.js"
import * as StartWarnings from "./StartWarnings.js"
import { StorageOpenError } from "./StorageOpenError.js"

const attempt = <A>(what: string, path: string, promise: () => Promise<A>): Effect.Effect<A, StorageOpenError> =>
  Effect.tryPromise({
    try: promise,
    catch: (cause) =>
      new StorageOpenError({ reason: "NotWritable", message: `${path}: ${what} (${codeOf(cause)})`, cause })
  })

/** Creates the folder of a file, and the folders above it, for their owner only. */
export const makeFolderOf = (path: string): Effect.Effect<void, StorageOpenError> =>
  attempt("its folder cannot be created", path, () => Fs.mkdir(Path.dirname(path), { recursive: true, mode: 0o700 }))

/** Writes the content to a draft, lets `place` move it to its name, and deletes the draft. */
const viaDraft = <A>(path: string, content: Uint8Array, place: (draft: string) => Promise<A>) =>
  Effect.gen(function* () {
    const draft = `${path}.${Encoding.encodeHex(yield* randomBytes(8))}.new`
    const write = () => Fs.writeFile(draft, content, { flag: "wx", mode: 0o600, flush: true })
    return yield* attempt("it cannot be created", path, () => write().then(() => place(draft))).pipe(
      Effect.ensuring(Effect.ignore(Effect.tryPromise(() => Fs.rm(draft, { force: true })))),
      Effect.zipLeft(Effect.ignore(Effect.tryPromise(() => flushFolder(Path.dirname(path)))))
    )
  })

/**
 * Creates a file with this content. Exactly one of any number of callers, in any number of processes, creates it, and no reader
 * sees a part of it: the content is written to a draft, which is then linked. Returns whether this caller created the file.
 */
export const create = (path: string, content: Uint8Array): Effect.Effect<boolean, StorageOpenError> =>
  viaDraft(path, content, (draft) =>
    Fs.link(draft, path).then(
      () => true,
      (cause) => (codeOf(cause) === "EEXIST" ? false : Promise.reject(cause))
    )
  )

/** Replaces the content of a file. After concurrent calls the file has the whole content of one of them. */
export const replace = (path: string, content: Uint8Array): Effect.Effect<void, StorageOpenError> =>
  viaDraft(path, content, (draft) => Fs.rename(draft, path))

/**
 * Returns who can use a file, apart from a superuser. "Group" means: one of this process's own groups can read the file, and
 * no other user can read or change it. Kubernetes mounts a secret like this for `fsGroup` (mode 0440), and `chmod` cannot
 * change that. A file that this user could restrict with `chmod` (mode 0640, not root's) counts as "Others". PostgreSQL
 * has the same rule for `ssl_key_file`. On Windows the mode says nothing, and the answer is "Owner".
 */
export const accessOf = ({ gid, mode, uid }: Pick<Stats, "gid" | "mode" | "uid">): "Owner" | "Group" | "Others" => {
  if (process.platform === "win32" || (mode & 0o077) === 0) return "Owner"
  const isOwnGroup = process.getegid?.() === gid || (process.getgroups?.() ?? []).includes(gid)
  const isFixed = (mode & 0o200) === 0 || (uid === 0 && process.geteuid?.() !== 0)
  return (mode & 0o037) === 0 && isOwnGroup && isFixed ? "Group" : "Others"
}

/**
 * Logs one warning about files that other users of the machine can read or change, with the command that restricts them.
 * `what` names the files. Missing files are ignored.
 */
export const warnIfExposed = (what: string, paths: ReadonlyArray<string>): Effect.Effect<void> =>
  StartWarnings.warn(
    Effect.suspend(() => {
      const exposed = paths.flatMap((path) => {
        const stat = statSync(path, { throwIfNoEntry: false })
        return stat !== undefined && accessOf(stat) === "Others" ? [{ path, mode: stat.mode & 0o777 }] : []
      })
      const [first] = exposed
      if (first === undefined) return Effect.void
      const command = `chmod 600 ${exposed.map(({ path }) => ShellWord.quote(path)).join(" ")}`
      return Effect.annotateLogs(Effect.logWarning(`${what} is open to other users of this machine: run ${command}`), {
        file: first.path,
        mode: first.mode.toString(8).padStart(4, "0")
      })
    })
  )

/** Makes the names in a folder durable. Windows has no such call and needs none. */
const flushFolder = async (folder: string): Promise<void> => {
  const handle = await Fs.open(folder, "r")
  await handle.sync().finally(() => handle.close())
}
