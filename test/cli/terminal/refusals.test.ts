/** Errors at the start of a server: one line, and nothing is changed. */
import { chmod, copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"

let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
let taken: Server
let takenPort: number
/** The issuer of the database: each issuer has its own keys. */
let port: number
const path = (name: string) => join(folder.path, name)

beforeAll(async () => {
  folder = await Cli.temporaryFolder()
  takenPort = await Cli.freePort()
  taken = createServer()
  await new Promise<void>((resolve) => taken.listen(takenPort, "127.0.0.1", resolve))
  // A database of a server, and damaged copies of it.
  const server = await Cli.startServer({ folder: folder.path })
  port = server.port
  await server.stop()
  const copy = async (name: string) => {
    await copyFile(path("data/latchkey.db"), path(name))
    await copyFile(path("data/latchkey.db.key"), path(`${name}.key`))
    await chmod(path(`${name}.key`), 0o600)
    return path(name)
  }
  const newer = new Sqlite(await copy("newer.db"))
  newer.pragma("user_version = 9999")
  newer.close()
  const other = new Sqlite(path("other.db"))
  other.exec("create table notes (text)")
  other.close()
  await writeFile(`${await copy("wrong.db")}.key`, `${"A".repeat(43)}\n`)
  await rename(`${await copy("keyless.db")}.key`, path("elsewhere.key"))
  await chmod(`${await copy("exposed.db")}.key`, 0o644)
  await mkdir(path("folder.db"))
  await writeFile(path("text.db"), "this is no database, however long it goes on".repeat(10))
})
afterAll(async () => {
  taken.close()
  await folder.remove()
})

/** The command must end without having listened. */
const refused = async (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  code: number,
  line: RegExp,
  run = Cli.run
) => {
  const place = { LATCHKEY_PORT: String(port), LATCHKEY_DATABASE: "memory:" }
  const result = await run(["serve", ...args], { env: { ...place, ...env }, cwd: folder.path })
  expect(result).toMatchObject({ code, stdout: "" })
  expect(result.stderr).toMatch(/^latchkey: [^\n]+\n$/)
  expect(result.stderr).toMatch(line)
}

describe("settings that cannot be used", () => {
  // settings.test.ts has more cases, and starts no process.
  it.each([
    [["--port", "65536"], {}, /^latchkey: --port: .*1 to 65535/],
    [[], { LATCHKEY_PORT: "-1" }, /^latchkey: LATCHKEY_PORT: /],
    [["--host", "0.0.0.0"], {}, /--issuer/],
    [["--issuer", "http://auth.example.com"], {}, /^latchkey: --issuer: .*https/],
    [["--database", "postgres://somewhere"], {}, /^latchkey: --database: give sqlite:PATH, postgres:/],
    [[], { LATCHKEY_ACCESS_TOKEN_TTL: "forever" }, /^latchkey: LATCHKEY_ACCESS_TOKEN_TTL: .*"30 seconds"/],
    [
      [],
      { LATCHKEY_ACCESS_TOKEN_TTL: "40 days" },
      /LATCHKEY_ACCESS_TOKEN_TTL must not be longer than LATCHKEY_REFRESH_TOKEN_IDLE_TTL/
    ],
    [["--database", "sqlite:new.db"], { LATCHKEY_MASTER_KEY: "c2hvcnQ" }, /LATCHKEY_MASTER_KEY: .*32 bytes/],
    [[], { LATCHKEY_RATE_LIMIT: "on" }, /^latchkey: LATCHKEY_RATE_LIMIT: give off/],
    [[], { LATCHKEY_LOG_LEVEL: "loud" }, /LATCHKEY_LOG_LEVEL/]
  ])("the options %j with the variables %j are refused", async (args, env, line) => {
    await refused(args, env as Readonly<Record<string, string>>, 2, line, Commands.run)
  })

  it("an error does not repeat a secret", async () => {
    const { stderr } = await Cli.run(["serve"], { env: { LATCHKEY_ISSUER: "https://ada:secret@auth.example.com" } })
    expect(stderr).not.toContain("secret")
    const other = await Cli.run(["serve"], {
      env: { LATCHKEY_MASTER_KEY: "a-key-that-is-too-short" },
      cwd: folder.path
    })
    expect(other.stderr).not.toContain("a-key-that")
  })
})

describe("the environment of a server", () => {
  it("a port in use is refused", () =>
    refused(["--port", String(takenPort)], {}, 1, new RegExp(`port ${takenPort} .* is in use: .*--port`)))

  it("an address of another machine is refused", () =>
    refused(["--host", "192.0.2.1", "--issuer", "https://auth.example.com"], {}, 1, /192\.0\.2\.1 .*--host/))

  it.each([
    ["folder.db", /directory/],
    ["text.db", /not a SQLite database/],
    ["other.db", /another program/],
    ["newer.db", /later version/],
    ["wrong.db", /master key does not open/],
    ["keyless.db", /master key is missing/],
    ["exposed.db", /can be read by others/],
    ["text.db/below.db", /text\.db/]
  ])("the database %s is refused and stays unchanged", async (name, line) => {
    const before = await readFile(path(name)).catch(() => undefined)
    await refused(["--database", `sqlite:${name}`], {}, 1, line)
    expect(await readFile(path(name)).catch(() => undefined)).toEqual(before)
  })

  it("another master key in the environment is refused", () =>
    refused(
      ["--database", "sqlite:data/latchkey.db"],
      { LATCHKEY_MASTER_KEY: "A".repeat(43) },
      1,
      /master key does not open/
    ))
})
