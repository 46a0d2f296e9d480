/** Variables of clusters and secret stores, and misspelt variables. */
import { chmodSync, existsSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { isLikeMasterKey } from "../../../src/cli/settings/MasterKeyName.js"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"

const key = Buffer.alloc(32, 7).toString("base64url")
const password = "correct horse battery"

let parent: Awaited<ReturnType<typeof Cli.temporaryFolder>>
let folders = 0
beforeAll(async () => {
  parent = await Cli.temporaryFolder()
})
afterAll(() => parent.remove())

/** A new folder for a database, and commands that run there. */
const place = () => {
  const folder = join(parent.path, String(folders++))
  const database = join(folder, "latchkey.db")
  const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
    Commands.run(args, { cwd: parent.path, env: { LATCHKEY_DATABASE: `sqlite:${database}`, ...env }, stdin: password })
  const createUser = (env: Readonly<Record<string, string>> = {}, name = "kim") =>
    run(["user", "create", name, "--password-stdin"], env)
  return { run, createUser, database, keyFile: `${database}.key` }
}

/** Writes a new file with this content. */
const file = (text: string, mode = 0o600): string => {
  const path = join(parent.path, `file-${folders++}`)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

/** The variables that Kubernetes sets for a Service with the name `latchkey`. */
const serviceLinks = (address: string) => ({
  LATCHKEY_SERVICE_HOST: "10.43.12.7",
  LATCHKEY_SERVICE_PORT: "9400",
  LATCHKEY_SERVICE_PORT_HTTP: "9400",
  LATCHKEY_PORT: address,
  LATCHKEY_PORT_9400_TCP: address,
  LATCHKEY_PORT_9400_TCP_PROTO: "tcp",
  LATCHKEY_PORT_9400_TCP_PORT: "9400",
  LATCHKEY_PORT_9400_TCP_ADDR: "10.43.12.7",
  LATCHKEY_MASTER_KEY_PORT: "tcp://10.43.12.8:80",
  LATCHKEY_MASTER_KEY_SERVICE_HOST: "10.43.12.8"
})

describe("service links of Kubernetes", () => {
  it.each(["tcp://10.0.0.1:9400", "tcp://10.0.0.1:80", "udp://10.43.12.7:53", "sctp://[fd00::1]:9400"])(
    "the address %s in LATCHKEY_PORT is ignored, and a key is created",
    async (address) => {
      const { createUser, run } = place()
      expect(await createUser(serviceLinks(address))).toMatchObject({ code: 0, stderr: "" })
      expect(await run(["user", "list"], { LATCHKEY_PORT: address })).toMatchObject({ code: 0, stderr: "" })
      const { code, stdout } = await run(["config"], { LATCHKEY_PORT: address })
      expect(code).toBe(0)
      expect(stdout).toMatch(/^port +9400 +default$/m)
    }
  )

  it("a server warns of LATCHKEY_PORT once, and of no other service link", async () => {
    const port = await Cli.freePort()
    const server = await Cli.startServer({
      args: ["--port", String(port)],
      env: { ...serviceLinks("tcp://10.43.12.7:9400"), LATCHKEY_DATABASE: "memory:" }
    })
    const answer = await fetch(`http://127.0.0.1:${port}/health`)
    const { stderr } = await server.stop()
    expect(answer.status).toBe(200)
    const warnings = stderr.split("\n").filter((line) => line.includes("WARN"))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain("LATCHKEY_PORT is a service link of Kubernetes, not a setting, and is ignored")
    expect(stderr).not.toContain("unknown variables")
  })

  it.each(["abc", "70000", "http://10.0.0.1:9400", "tcp://", "tcp:9400", "tcp://10.0.0.1"])(
    "LATCHKEY_PORT=%s is refused",
    async (port) => {
      const result = await place().run(["user", "list"], { LATCHKEY_PORT: port })
      expect(result).toMatchObject({ code: 2, stdout: "" })
      expect(result.stderr).toMatch(/^latchkey: LATCHKEY_PORT: give a port number/)
    }
  )

  it("an address in --port is refused", async () => {
    const result = await place().run(["serve", "--port", "tcp://10.0.0.1:9400"])
    expect(result).toMatchObject({ code: 2 })
  })
})

describe("the master key from the environment", () => {
  it.each(["%\n", "%\n\n", "%\r\n", "\uFEFF%", "\uFEFF%\r\n"])(
    "LATCHKEY_MASTER_KEY accepts the key as %j",
    async (form) => {
      const { createUser, keyFile, run } = place()
      expect(await createUser({ LATCHKEY_MASTER_KEY: form.replace("%", key) })).toMatchObject({ code: 0 })
      expect(existsSync(keyFile)).toBe(false)
      expect(await run(["key", "list"], { LATCHKEY_MASTER_KEY: key })).toMatchObject({ code: 0 })
    }
  )

  it.each(["%", "%\n", "%\r\n", "\uFEFF%\n"])(
    "LATCHKEY_MASTER_KEY_FILE names a file that holds it as %j",
    async (form) => {
      const { createUser, keyFile, run } = place()
      const path = file(form.replace("%", key))
      expect(await createUser({ LATCHKEY_MASTER_KEY_FILE: `${path}\n` })).toMatchObject({ code: 0, stderr: "" })
      expect(existsSync(keyFile)).toBe(false)
      expect(await run(["key", "list"], { LATCHKEY_MASTER_KEY: key })).toMatchObject({ code: 0 })
    }
  )

  it("an invalid file of LATCHKEY_MASTER_KEY_FILE is refused, and no file is created", async () => {
    for (const [path, why] of [
      [join(parent.path, "nowhere"), /does not exist/],
      [parent.path, /cannot be read/],
      [file("short"), /not a master key/],
      [file(key, 0o644), /can be read by others/],
      ["", /give the path of a file/]
    ] as const) {
      const { createUser, database } = place()
      const result = await createUser({ LATCHKEY_MASTER_KEY_FILE: path })
      expect(result).toMatchObject({ code: 2, stdout: "" })
      expect(result.stderr).toMatch(/^latchkey: LATCHKEY_MASTER_KEY_FILE: [^\n]+\n$/)
      expect(result.stderr).toMatch(why)
      expect(existsSync(database)).toBe(false)
    }
  })

  it("both variables of the master key together are refused", async () => {
    const result = await place().createUser({ LATCHKEY_MASTER_KEY: key, LATCHKEY_MASTER_KEY_FILE: file(key) })
    expect(result).toMatchObject({ code: 2 })
    expect(result.stderr).toMatch(/LATCHKEY_MASTER_KEY and LATCHKEY_MASTER_KEY_FILE are both set/)
  })

  it.each(["LATCHKEY_MASTERKEY", "LATCHKEY_MASTER_KEY_PATH", "LATCHEY_MASTER_KEY", "latchkey_master_key"])(
    "the misspelt variable %s is refused, and no key is created",
    async (name) => {
      const { createUser, database, run } = place()
      const result = await createUser({ [name]: key })
      expect(result).toMatchObject({ code: 2, stdout: "" })
      expect(result.stderr).toMatch(new RegExp(`^latchkey: ${name} is not a setting: .*LATCHKEY_MASTER_KEY`))
      expect(result.stderr).not.toContain(key)
      expect(existsSync(database)).toBe(false)
      expect(await run(["serve"], { [name]: key })).toMatchObject({ code: 2 })
      // With LATCHKEY_MASTER_KEY the similar name does not matter.
      expect(await createUser({ [name]: key, LATCHKEY_MASTER_KEY: key })).toMatchObject({ code: 0 })
    }
  )

  it.each([
    ["LATCHKEY_MASTER_KEYS", true],
    ["LATCHKEY_MASTER", true],
    ["LATCHKEY_MASTER_SECRET", true],
    ["LATCHKEY_MATSER_KEY", true],
    ["LATCHKEY_KEY", true],
    ["LATCHKEY_KEY_FILE", true],
    ["LATCHKEY_ENCRYPTION_KEY", true],
    ["LATCHKEY_MASTER_KEY_BASE64", true],
    ["LATCHKEY__MASTER__KEY", true],
    ["LATCH_KEY_MASTER_KEY", true],
    ["MASTER_KEY", false],
    ["LATCHKEY_KEY_TLL", false],
    ["LATCHKEY_API_KEY", false],
    ["LATCHKEY_DATABASE_URL", false],
    ["LATCHKEY_CLIENT_SECRET", false],
    ["LATCHKEY_PROT", false]
  ])("isLikeMasterKey(%s) is %s", (name, answer) => {
    expect(isLikeMasterKey(name)).toBe(answer)
  })
})

describe("the file of the key next to the database", () => {
  /** A database whose key is a link to a file of this mode, like a mounted secret. */
  const mounted = async (mode: number) => {
    const made = place()
    expect(await made.createUser({ LATCHKEY_MASTER_KEY: key })).toMatchObject({ code: 0 })
    symlinkSync(file(`\uFEFF${key}\r\n`, mode), made.keyFile)
    return made.createUser({}, "ada")
  }

  it("a mounted file that the group of the process can read is accepted with a warning", async () => {
    const result = await mounted(0o440)
    expect(result).toMatchObject({ code: 0 })
    expect(result.stderr).toMatch(/"message":"the file of the master key can be read by its group".*"WARN"/)
  })

  it("a mounted file that only its owner can read is accepted", async () => {
    expect(await mounted(0o400)).toMatchObject({ code: 0, stderr: "" })
  })

  it.each([0o444, 0o604, 0o660, 0o460])("a key file with mode %i is refused", async (mode) => {
    const result = await mounted(mode)
    expect(result).toMatchObject({ code: 1 })
    expect(result.stderr).toMatch(/can be read by others/)
  })
})
