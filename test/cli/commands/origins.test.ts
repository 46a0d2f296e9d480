/** Actors and request ids of events, headers and hosts of responses, and modes of files, with a server as a process. */
import { chmod, writeFile } from "node:fs/promises"
import { userInfo } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import * as RawConnection from "../../support/RawConnection.js"
import * as Tokens from "../support/Tokens.js"

interface Told {
  readonly event: string
  readonly request_id?: string
  readonly actor?: Readonly<Record<string, unknown>>
}

describe("events", () => {
  let server: Cli.Server
  beforeAll(async () => {
    server = await Cli.startServer({ args: ["--demo"], env: { LATCHKEY_LOG_LEVEL: "debug" } })
    await Tokens.createAccount(server)
  })
  afterAll(() => server?.stop())

  const run = (...args: ReadonlyArray<string>) => Commands.run(args, { server })
  const told = async (...args: ReadonlyArray<string>): Promise<ReadonlyArray<Told>> =>
    (await run("events", "--json", ...args)).stdout
      .trim()
      .split("\n")
      .flatMap((line) => (line === "" ? [] : JSON.parse(line)))

  it("an event of a command names the operator by the user name of the operating system", async () => {
    const { username } = userInfo()
    expect((await told()).filter(({ event }) => event === "AccountCreated")).toMatchObject([
      { actor: { type: "Operator", name: username } }
    ])
    await run("client", "create", "--name", "An app", "--redirect-uri", "https://app.example/callback")
    expect((await run("events")).stdout).toMatch(
      new RegExp(`client registered by the operator {2}client=\\S+ {2}by operator ${username}\n`)
    )
  })

  it("events --request finds the events of a request by the id that the log has", async () => {
    const issued = await Tokens.issue(server, "notes:read")
    const redeemed = (await told("--client", issued.clientId)).find(({ event }) => event === "Redeemed")
    expect(redeemed?.actor).toEqual({ type: "Client", client_id: issued.clientId, is_authenticated: false })
    const id = redeemed?.request_id ?? "no id"
    expect(await told("--request", id)).toEqual([redeemed])
    expect((await run("events", "--request", id)).stdout).toMatch(
      new RegExp(`by client ${issued.clientId} \\(not authenticated\\) request=${id}\n$`)
    )
    expect((await run("events", "--client", issued.clientId)).stdout).toMatch(/ allowed: .* by user ada request=/)
    const lines = server.stderr().trim().split("\n")
    const answered = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === "request answered")
    expect(answered.filter(({ annotations }) => annotations.requestId === id)).toMatchObject([
      { annotations: { path: "/token", status: 200 } }
    ])
    expect(await told("--request", "no-such-request")).toEqual([])
  })

  it("grant show prints the actor of each event", async () => {
    const issued = await Tokens.issue(server, "notes:read")
    const [{ id }] = JSON.parse((await run("grant", "list", "--client", issued.clientId, "--json")).stdout)
    expect((await run("grant", "show", id)).stdout).toMatch(/ {2}allowed: \S+ {2}by user ada request=\S+\n/)
  })
})

describe("every response", () => {
  let server: Cli.Server
  beforeAll(async () => {
    const issuer = "https://auth.example.com/oauth"
    server = await Cli.startServer({ args: ["--demo", "--issuer", issuer, "--database", "memory:"] })
  })
  afterAll(() => server?.stop())

  /** Sends a request under the host of the issuer, as a proxy forwards it. */
  const ask = async (line: string, headers: Readonly<Record<string, string>> = { host: "auth.example.com" }) => {
    const connection = await RawConnection.connect(server.port)
    const text = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    connection.write(`${line}\r\n${text.join("")}connection: close\r\n\r\n`)
    return await connection.closed()
  }

  it.each([
    "GET /oauth HTTP/1.1",
    "GET /oauth/ HTTP/1.1",
    "GET /oauth/health HTTP/1.1",
    "GET /oauth/nothing/here HTTP/1.1",
    "GET /nothing/here HTTP/1.1",
    "GET /oauth/token HTTP/1.1",
    "POST /oauth/mcp HTTP/1.1",
    "GET /oauth/mcp HTTP/1.1",
    "OPTIONS /oauth/mcp HTTP/1.1",
    "GET /oauth/api/admin/users HTTP/1.1"
  ])("every response of an https issuer has Strict-Transport-Security and a request id: %s", async (line) => {
    const answer = await ask(line)
    expect(answer).toMatch(/\r\nstrict-transport-security: max-age=31536000\r\n/i)
    expect(answer.match(/\r\nx-request-id: [0-9a-z]{26}\r\n/gi)).toHaveLength(1)
  })

  it.each([
    ["GET /oauth/ HTTP/1.1", "303", "https://auth.example.com/oauth"],
    ["GET / HTTP/1.1", "303", "https://auth.example.com/oauth"],
    ["GET /oauth HTTP/1.1", "200", undefined]
  ])("a request to the root of an issuer with a path leads to the home page: %s", async (line, status, location) => {
    const answer = await ask(line)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(/\r\nlocation: (\S+)\r\n/i.exec(answer)?.[1]).toBe(location)
  })

  it("a page under another host is 421, and a request without a host (HTTP/1.0) is answered", async () => {
    for (const host of ["evil.example", "evil.example:443", "a b", "user@auth.example.com", "auth.example.com/"]) {
      expect(await ask("GET /oauth/account HTTP/1.1", { host }), host).toMatch(/^HTTP\/1.1 421 /)
    }
    expect(await ask("GET /oauth/account HTTP/1.0", {})).toMatch(/^HTTP\/1.[01] 200 /)
    expect(await ask("GET /oauth/ready HTTP/1.1", { host: "10.1.2.3" })).toMatch(/^HTTP\/1.1 200 /)
  })
})

describe("a file that others can read", () => {
  const folders: Array<string> = []
  afterEach(() => folders.splice(0).forEach(Cli.removeFolder))
  const folder = () => {
    const path = Cli.newFolder()
    folders.push(path)
    return path
  }
  const warnings = (server: Cli.Server) =>
    server
      .stderr()
      .split("\n")
      .filter((line) => line.includes("chmod 600"))
      .map((line) => JSON.parse(line) as object)

  it.each([0o644, 0o640, 0o604, 0o660, 0o666])(
    "is warned of once at start, for a database of mode %o",
    async (mode) => {
      const path = folder()
      const env = { LATCHKEY_PORT: String(await Cli.freePort()) }
      const first = await Cli.startServer({ folder: path, env })
      expect(warnings(first)).toEqual([])
      await first.stop()
      const database = join(path, "data", "latchkey.db")
      await chmod(database, mode)
      const second = await Cli.startServer({ folder: path, env })
      expect(warnings(second)).toMatchObject([
        {
          logLevel: "WARN",
          message: expect.stringContaining(`is open to other users of this machine: run chmod 600 ${database}`),
          annotations: { file: database, mode: `0${mode.toString(8)}` }
        }
      ])
      await second.stop()
    }
  )

  it("the warning about an open file has a command that a shell accepts, also for a path with a space", async () => {
    const path = folder()
    const args = ["--database", "sqlite:my data/it's.db"]
    const env = { LATCHKEY_PORT: String(await Cli.freePort()) }
    await (await Cli.startServer({ folder: path, args, env })).stop()
    await chmod(join(path, "my data", "it's.db"), 0o644)
    const server = await Cli.startServer({ folder: path, args, env })
    expect(warnings(server)).toMatchObject([
      { message: expect.stringContaining(String.raw`chmod 600 '${path}/my data/it'\''s.db'`) }
    ])
    await server.stop()
  })

  it("a file that only its owner can read gives no warning", async () => {
    const path = folder()
    const env = { LATCHKEY_PORT: String(await Cli.freePort()) }
    await (await Cli.startServer({ folder: path, env })).stop()
    await chmod(join(path, "data", "latchkey.db"), 0o600)
    const config = join(path, "settings.json")
    await writeFile(config, JSON.stringify({ logLevel: "info" }), { mode: 0o644 })
    const server = await Cli.startServer({ folder: path, args: ["--config", config], env })
    expect(warnings(server)).toEqual([])
    await server.stop()
  })
})
