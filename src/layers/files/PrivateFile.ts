/** Files that only their owner can read, made whole or not at all. */

import { type Stats, statSync } from "node:fs"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import { randomBytes } from "../../services/keys/Crypto.js"
import { codeOf } from "../sql/ErrorCode.js"
import { StorageOpenError } from "../sql/StorageOpenError.js"
import * as ShellWord from "./ShellWord.js"

const attempt = <A>(what: string, path: string, promise: () => Promise<A>): Effect.Effect<A, StorageOpenError> =>
  Effect.tryPromise({
    try: promise,
    catch: (cause) =>
      new StorageOpenError({ reason: "NotWritable", message: `${path}: ${what} (${codeOf(cause)})`, cause })
  })

/** The folder of a file, and those above it; what has to be made is for its owner only. */
export const makeFolderOf = (path: string): Effect.Effect<void, StorageOpenError> =>
  attempt("its folder cannot be made", path, () => Fs.mkdir(Path.dirname(path), { recursive: true, mode: 0o700 }))

/** Writes the content under another name, and has `place` put it where it belongs; the other name is gone afterwards. */
const viaDraft = <A>(path: string, content: Uint8Array, place: (draft: string) => Promise<A>) =>
  Effect.gen(function* () {
    const draft = `${path}.${Encoding.encodeHex(yield* randomBytes(8))}.new`
    const write = () => Fs.writeFile(draft, content, { flag: "wx", mode: 0o600, flush: true })
    return yield* attempt("it cannot be made", path, () => write().then(() => place(draft))).pipe(
      Effect.ensuring(Effect.ignore(Effect.tryPromise(() => Fs.rm(draft, { force: true })))),
      Effect.zipLeft(Effect.ignore(Effect.tryPromise(() => flushFolder(Path.dirname(path)))))
    )
  })

/**
 * Makes a file with this content. Of any number of callers in any number of processes one makes it, and nobody ever
 * sees a part of it: it is written under another name, and then linked. Answers whether it was this caller.
 */
export const create = (path: string, content: Uint8Array): Effect.Effect<boolean, StorageOpenError> =>
  viaDraft(path, content, (draft) =>
    Fs.link(draft, path).then(
      () => true,
      (cause) => (codeOf(cause) === "EEXIST" ? false : Promise.reject(cause))
    )
  )

/** Makes a file with this content in place of what lies there. Of callers at the same time, one's content stays whole. */
export const replace = (path: string, content: Uint8Array): Effect.Effect<void, StorageOpenError> =>
  viaDraft(path, content, (draft) => Fs.rename(draft, path))

/**
 * Answers who can use a file, besides a superuser. "Group" means: one of this process's own groups can read the file, and
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
 * Warns of files that other users of the machine can read or change, with the command that mends it: one line for all of
 * them. `what` names them in the sentence. Files that are not there are left out.
 */
export const warnIfExposed = (what: string, paths: ReadonlyArray<string>): Effect.Effect<void> =>
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

/** Makes the names in a folder durable; Windows has no such thing, and does without. */
const flushFolder = async (folder: string): Promise<void> => {
  const handle = await Fs.open(folder, "r")
  await handle.sync().finally(() => handle.close())
}
