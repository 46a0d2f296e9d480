/** Missing native modules: the installer ran no install scripts, or they are for another version of Node. */
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"

const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url))
const password = "correct horse battery"

/** The program in its own folder, with packages that a test breaks. */
const install = async (folder: string) => {
  const bin = join(folder, "dist/bin")
  await mkdir(join(folder, "node_modules/@node-rs"), { recursive: true })
  await cp(dirname(Cli.bin), bin, { recursive: true })
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  await cp(join(modules, "better-sqlite3"), join(folder, "node_modules/better-sqlite3"), {
    recursive: true,
    filter: (path) => !["build", "deps", "src"].includes(basename(path)) || !path.includes("better-sqlite3/")
  })
  for (const name of ["bindings", "file-uri-to-path"]) {
    await symlink(join(modules, name), join(folder, "node_modules", name))
  }
  for (const name of await readdir(join(modules, "@node-rs"))) {
    await symlink(join(modules, "@node-rs", name), join(folder, "node_modules/@node-rs", name))
  }
  return join(bin, basename(Cli.bin))
}

let folder: string
let program: string
/** The folder of a database that was created before a package was broken. */
let beside: Awaited<ReturnType<typeof Cli.temporaryFolder>>
let empty: Awaited<ReturnType<typeof Cli.temporaryFolder>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "latchkey-native-"))
  program = await install(folder)
  beside = await Cli.temporaryFolder()
  empty = await Cli.temporaryFolder()
  const made = await Cli.run(["user", "create", "kim", "--password-stdin"], { cwd: beside.path, stdin: password })
  expect(made).toMatchObject({ code: 0 })
})
afterAll(async () => {
  await Promise.all([beside.remove(), empty.remove(), rm(folder, { recursive: true, force: true })])
})

const run = async (args: ReadonlyArray<string>, cwd: string, stdin?: string) => {
  const env = { LATCHKEY_PORT: String(await Cli.freePort()) }
  return Cli.launch({ program, args, cwd, env, stdin }).ended
}

const sentence =
  /^latchkey: better-sqlite3 has no native module [^\n]*: run npm rebuild better-sqlite3, or with pnpm: pnpm approve-builds\n$/

describe("without the native module of better-sqlite3", () => {
  it.each([
    ["serve"],
    ["user", "list"],
    ["db", "status"],
    ["db", "backup", "copy.db"],
    ["client", "list"],
    ["db", "migrate"]
  ])("%s %s names the missing module and the command that builds it", async (...args) => {
    const result = await run(args, beside.path)
    expect(result).toMatchObject({ code: 1, stdout: "" })
    expect(result.stderr).toMatch(sentence)
  })

  it("serve and user create in an empty folder print the same error, and leave no file", async () => {
    expect((await run(["serve"], empty.path)).stderr).toMatch(sentence)
    const create = await run(["user", "create", "kim", "--password-stdin"], empty.path, password)
    expect(create).toMatchObject({ code: 1, stdout: "" })
    expect(create.stderr).toMatch(sentence)
    expect(await readdir(empty.path)).toEqual([])
  })

  it("a server with memory: runs", async () => {
    const server = await Cli.startServer({ program, args: ["--database", "memory:"] })
    const { status } = await fetch(`${server.url}/ready`)
    await server.stop()
    expect(status).toBe(200)
  })
})

describe("with a native module that cannot be loaded", () => {
  it("an unloadable better-sqlite3 is named with the command that builds it", async () => {
    const release = join(folder, "node_modules/better-sqlite3/build/Release")
    await mkdir(release, { recursive: true })
    await writeFile(join(release, "better_sqlite3.node"), "built for another Node")
    const result = await run(["user", "list"], beside.path)
    await rm(join(folder, "node_modules/better-sqlite3/build"), { recursive: true })
    expect(result).toMatchObject({ code: 1, stdout: "" })
    expect(result.stderr).toMatch(sentence)
  })
})

describe("without the native module of @node-rs/argon2", () => {
  it("a server without argon2 prints one line, and a command without passwords works", async () => {
    const packages = join(folder, "node_modules/@node-rs")
    for (const name of await readdir(packages)) await rm(join(packages, name))
    // The package without the optional packages of its native module.
    await cp(join(modules, "@node-rs/argon2"), join(packages, "argon2"), { recursive: true })
    const served = await run(["serve", "--database", "memory:"], empty.path)
    expect(served).toMatchObject({ code: 1, stdout: "" })
    expect(served.stderr).toMatch(/^latchkey: @node-rs\/argon2 has no native module [^\n]*optional dependencies\n$/)
    expect(await run(["config"], empty.path)).toMatchObject({ code: 0 })
  })
})
