/** `latchkey config`, and the file of settings. */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"

const resource = { uri: "https://auth.example.com/notes", name: "Notes", scopes: { "notes:read": "Read your notes" } }
const key = "A".repeat(43)

describe("settings", () => {
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  beforeAll(async () => {
    folder = await Cli.temporaryFolder()
  })
  afterAll(() => folder.remove())

  const file = async (content: unknown) => {
    const text = typeof content === "string" ? content : JSON.stringify(content)
    await writeFile(join(folder.path, "latchkey.json"), text)
  }
  const config = (args: ReadonlyArray<string> = [], env: Readonly<Record<string, string>> = {}) =>
    Commands.run(["config", ...args], { cwd: folder.path, env })

  /** Parses a table: name to value and source. */
  const rows = ({ stdout }: Cli.Result) =>
    Object.fromEntries(stdout.split("\n").map((line) => [line.split(" ")[0], line.split(/ {2,}/).slice(1)]))

  it("an option wins over a variable, a variable over the file, and the file over the default", async () => {
    await file({ issuer: "https://auth.example.com", host: "127.0.0.2", port: 9500, formTtl: "5 minutes" })
    const shown = rows(
      await config(["--config", "latchkey.json", "--host", "::1"], { LATCHKEY_PORT: "9501", LATCHKEY_HOST: "::" })
    )
    expect(shown).toMatchObject({
      host: ["::1", "option"],
      port: ["9501", "variable"],
      issuer: ["https://auth.example.com", "file"],
      formTtl: ["5 minutes", "file"],
      grantTtl: ["180 days", "default"]
    })
  })

  it("secret settings are not printed, and not in the output of --json", async () => {
    const env = { LATCHKEY_MASTER_KEY: key }
    const [table, json] = [await config([], env), await config(["--json"], env)]
    expect(rows(table).masterKey).toEqual(["<redacted>", "variable"])
    expect(table.stdout + table.stderr + json.stdout + json.stderr).not.toContain(key)
    expect(json.stdout).not.toContain("masterKey")
  })

  it("a file may begin with a byte order mark", async () => {
    await file(`\uFEFF${JSON.stringify({ issuer: "https://auth.example.com" })}`)
    const result = await config(["--json", "--config", "latchkey.json"])
    expect(result).toMatchObject({ code: 0 })
    expect(JSON.parse(result.stdout)).toMatchObject({ issuer: "https://auth.example.com" })
  })

  it("config --json prints a file that gives the same settings", async () => {
    await file({ issuer: "https://auth.example.com", trustedProxies: ["10.0.0.0/8"], resources: [resource] })
    const { stdout } = await config(["--json"], {
      LATCHKEY_CONFIG: "latchkey.json",
      LATCHKEY_CODE_WINDOW: "1500 millis"
    })
    expect(JSON.parse(stdout)).toMatchObject({ codeWindow: "1500 millis", resources: [resource] })
    await file(stdout)
    expect((await config(["--json", "--config=latchkey.json"])).stdout).toBe(stdout)
  })

  it("docs/latchkey.schema.json is the output of config --schema", async () => {
    const path = fileURLToPath(new URL("../../../docs/latchkey.schema.json", import.meta.url))
    const schema = JSON.parse((await config(["--schema"])).stdout)
    expect(schema).toEqual(JSON.parse(await readFile(path, "utf8")))
    for (const name of ["register", "login", "token"]) {
      const [off, limit] = schema.properties.rateLimits.properties[name].anyOf
      expect(off.enum).toEqual(["off"])
      expect(limit.required).toEqual(["quota", "window"])
    }
  })

  it.each([
    [{ masterKey: "sssecret" }, /latchkey\.json: masterKey: .*secret .*LATCHKEY_MASTER_KEY/],
    [{ config: "other.json" }, /latchkey\.json: config: /],
    [{ prot: 9400 }, /latchkey\.json: prot: there is no such setting; did you mean port/],
    [{ port: "9400" }, /latchkey\.json: port: .*65535/],
    [{ port: 0 }, /latchkey\.json: port: /],
    [{ issuer: { key: "sssecret" } }, /latchkey\.json: issuer: give a text/],
    [{ issuer: "http://auth.example.com" }, /latchkey\.json: issuer: .*https/],
    [{ accessTokenTtl: "sssecret" }, /latchkey\.json: accessTokenTtl: give a duration/],
    [{ formTtl: "2 hours" }, /LATCHKEY_FORM_TTL must be at most an hour/],
    [{ rateLimits: { tokens: "off" } }, /latchkey\.json: rateLimits\.tokens: give limits/],
    [{ rateLimits: { token: { quota: 0, window: "1 minute" } } }, /the quota of the limit token/],
    [{ trustedProxies: ["10.0.0.0/8", "10.0.0.1"] }, /latchkey\.json: trustedProxies\.1: /],
    [{ trustedProxies: ["10/8"] }, /latchkey\.json: trustedProxies\.0: /],
    [{ networkLimits: { "203.0.113.0/33": "off" } }, /latchkey\.json: networkLimits\S*: give each network once/],
    [{ networkLimits: { "203.0.113.0/24": 0 } }, /latchkey\.json: networkLimits\S*: give each network once/],
    [{ networkLimits: { "10.0.0.1/8": 2, "10.0.0.0/8": "off" } }, /the network 10\.0\.0\.0\/8 is given twice/],
    [{ resources: [{ ...resource, uri: "sssecret" }] }, /latchkey\.json: resources\.0\.uri: /],
    [
      { resources: [{ ...resource, scopes: { "two words": "Read" } }] },
      /latchkey\.json: resources\.0\.scopes\.two words: /
    ],
    [{ resources: [{ ...resource, nmae: "Notes" }] }, /latchkey\.json: resources\.0\.nmae: /],
    [{ logLevel: "loud" }, /latchkey\.json: logLevel: /],
    [[], /latchkey\.json: give an object/],
    ["sssecret", /latchkey\.json: not JSON/]
  ])("an invalid file is refused in one line that names the file and the member: %j", async (content, message) => {
    await file(content)
    const { code, stderr, stdout } = await config(["--config", "latchkey.json"])
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toMatch(message)
    expect(stderr.replace("a secret does", "")).not.toMatch(/sssecret|\n./)
  })

  it("a missing file is refused", async () => {
    const { code, stderr } = await config(["--config", "none.json"])
    expect({ code, stderr }).toEqual({ code: 2, stderr: "latchkey: none.json: this file cannot be read (ENOENT)\n" })
  })
})

it("a server and a command use the same file of settings", async () => {
  const folder = await Cli.temporaryFolder()
  const port = await Cli.freePort()
  const url = `http://127.0.0.1:${port}`
  const guarded = { ...resource, uri: `${url}/notes` }
  await writeFile(
    join(folder.path, "latchkey.json"),
    JSON.stringify({ port, database: "sqlite:kept.db", resources: [guarded] })
  )
  const env = { LATCHKEY_CONFIG: "latchkey.json", LATCHKEY_PORT: String(port) }
  const server = await Cli.startServer({ folder: folder.path, env })
  const metadata = await fetch(`${url}/.well-known/oauth-authorization-server`)
  const listed = await Commands.run(["client", "list"], { cwd: folder.path, env: { LATCHKEY_CONFIG: "latchkey.json" } })
  await server.stop()
  await folder.remove()
  expect(await metadata.json()).toMatchObject({ issuer: url, scopes_supported: ["notes:read"] })
  expect(listed).toMatchObject({ code: 0, stderr: expect.stringContaining(`no client yet at ${url}\n`) })
})
