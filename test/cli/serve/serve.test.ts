/** `latchkey serve`: start, settings, first account, log and shutdown. */
import { execSync } from "node:child_process"
import { existsSync } from "node:fs"
import { readdir, readFile, stat } from "node:fs/promises"
import { Agent, request } from "node:http"
import { connect } from "node:net"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, describe, expect, it } from "vitest"
import { Browser } from "../../flow/support/Browser.js"
import * as Cli from "../../support/Cli.js"
import { send } from "../../support/Methods.js"
import * as Tokens from "../support/Tokens.js"

const closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const start = async (options: Cli.StartOptions = {}) => {
  const server = await Cli.startServer(options)
  closing.push(server.stop)
  return server
}

const metadata = async (server: Cli.Server) => {
  const response = await fetch(`${server.url}/.well-known/oauth-authorization-server`)
  return (await response.json()) as Readonly<Record<string, unknown>>
}

/** Waits until a condition is true. */
const until = async (holds: () => boolean | Promise<boolean>) => {
  for (let tries = 0; tries < 500 && !(await holds()); tries++) await sleep(20)
  expect(await holds()).toBe(true)
}

describe("a server", () => {
  it("a new server prints its address, how to create an account, and that it protects no resource", async () => {
    const server = await start()
    expect(server.stdout()).toContain(`Latchkey 0.1.0 is running at ${server.url}\n`)
    expect(server.stdout()).toContain("data/latchkey.db")
    expect(server.stdout()).toContain("protects no resource yet")
    expect(server.stdout()).not.toContain("\u001b")
    const [, line = ""] = /^ {2}node (.* user create) NAME /m.exec(server.stdout()) ?? []
    expect(line).not.toBe("")
    const { status } = await fetch(server.url)
    expect(status).toBe(200)
    expect(await metadata(server)).toMatchObject({ issuer: server.url, token_endpoint: `${server.url}/token` })
    const result = await server.stop()
    expect(result).toMatchObject({ code: 0, stderr: "" })
  })

  it("a server with --demo prints the address of the MCP server and how to try it", async () => {
    const server = await start({ args: ["--demo"] })
    expect(server.stdout()).toContain(`${server.url}/mcp\n`)
    expect(server.stdout()).toMatch(/^ {2}claude mcp add .*\/mcp$/m)
    expect(server.stdout()).not.toContain("protects no resource")
    expect(await metadata(server)).toMatchObject({ scopes_supported: ["notes:read", "notes:write"] })
    expect(await (await fetch(server.url)).text()).toContain("Demo notes")
  })

  it("a server stores everything in a database and its key, which only the owner can read", async () => {
    const server = await start()
    const folder = join(server.folder, "data")
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    server.kill("SIGINT")
    expect(await server.ended).toMatchObject({ code: 0 })
    expect((await readdir(folder)).sort()).toEqual(["latchkey.db", "latchkey.db.key"])
  })

  it("a server with memory: leaves no file", async () => {
    const server = await start({ args: ["--database", "memory:"] })
    expect(server.stdout()).toContain("lost when the server stops")
    expect(server.stdout()).not.toContain("user create")
    expect(await metadata(server)).toMatchObject({ issuer: server.url })
    const file = Cli.firstAccountFile(server)
    expect((await stat(dirname(file))).mode & 0o777).toBe(0o700)
    server.kill("SIGTERM")
    await server.ended
    expect(existsSync(dirname(file))).toBe(false)
    expect(await readdir(server.folder)).toEqual([])
  })
})

describe("settings", () => {
  it("settings come from variables, and options win over them", async () => {
    const [fromEnvironment, fromOption] = [await Cli.freePort(), await Cli.freePort()]
    const env = {
      LATCHKEY_PORT: String(fromEnvironment),
      LATCHKEY_ISSUER: "https://auth.example.com",
      LATCHKEY_DATABASE: "memory:",
      LATCHKEY_HOST: "127.0.0.1"
    }
    const first = await start({ env })
    expect(first.port).toBe(fromEnvironment)
    expect(await metadata(first)).toMatchObject({ issuer: "https://auth.example.com" })
    expect(first.stdout()).toContain(`listens on http://127.0.0.1:${fromEnvironment}`)
    const second = await start({
      env,
      args: ["--port", String(fromOption), "--issuer", "https://example.com/auth", "--database", "sqlite:a b.db"]
    })
    const response = await fetch(`${second.url}/.well-known/oauth-authorization-server/auth`)
    expect(await response.json()).toMatchObject({ issuer: "https://example.com/auth" })
    expect(existsSync(join(second.folder, "a b.db"))).toBe(true)
    expect(second.stdout()).toContain("user create NAME --issuer https://example.com/auth --database 'sqlite:a b.db'")
    const ask = async (path: string, host = "example.com") => (await send(second.port, "GET", path, { host })).status
    expect([await ask("/auth"), await ask("/auth/"), await ask("/"), await ask("/other")]).toEqual([200, 303, 303, 404])
    expect(await ask("/auth", "auth.example.com")).toBe(421)
  })

  it("a lifetime in a variable applies to tokens", async () => {
    const server = await start({ args: ["--demo"], env: { LATCHKEY_ACCESS_TOKEN_TTL: "1 second" } })
    await Tokens.createAccount(server)
    const token = await Tokens.accessToken(server, "notes:read")
    const call = () => fetch(`${server.url}/mcp`, { method: "POST", headers: { authorization: `Bearer ${token}` } })
    await until(async () => (await call()).status === 401)
  })

  it("a redirect scheme in a variable can be registered", async () => {
    const server = await start({ env: { LATCHKEY_REDIRECT_SCHEMES: "editor", LATCHKEY_APP_SCHEMES: "cursor" } })
    const register = (uri: string) =>
      fetch(`${server.url}/register`, {
        method: "POST",
        body: JSON.stringify({ redirect_uris: [uri], token_endpoint_auth_method: "none" }),
        headers: { "content-type": "application/json" }
      })
    expect((await register("cursor://anysphere.cursor-mcp/oauth/callback")).status).toBe(201)
    expect((await register("editor://callback")).status).toBe(201)
    expect((await register("vscode://callback")).status).toBe(400)
  })

  it("a server warns of unknown variables", async () => {
    const server = await start({ env: { LATCHKEY_ACCES_TOKEN_TTL: "1 second", LATCHKEY_DATABASE: "memory:" } })
    expect(server.stderr()).toContain("LATCHKEY_ACCES_TOKEN_TTL")
    expect(JSON.parse(server.stderr())).toMatchObject({ logLevel: "WARN" })
  })
})

describe("the first account", () => {
  it("the link to the first account is in a file of the owner, and works once", async () => {
    const server = await start()
    const file = Cli.firstAccountFile(server)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const link = await Cli.firstAccountLink(server)
    expect(link.startsWith(`${server.url}/first-account?token=`)).toBe(true)
    const [, command = ""] = /This command prints it:\s+(.+)/.exec(server.stdout()) ?? []
    expect(execSync(command, { cwd: server.folder, encoding: "utf8" }).trim()).toBe(link)
    expect(server.stdout()).not.toContain("token=")

    const browser = new Browser(fetch, server.url)
    const page = await browser.open(link)
    expect(page.status).toBe(200)
    const { password, username } = Tokens
    const done = await browser.submit(page, { fields: { username, password, password_again: password } })
    expect(done.status).toBe(200)
    await until(() => !existsSync(file))
    expect((await browser.open(link)).status).toBe(410)
    expect((await Cli.run(["user", "list"], { server })).stdout).toContain(username)
    expect(server.stderr()).not.toContain("token=")
  })

  it("the first account is logged in, and its page names the MCP server of the demo", async () => {
    const server = await start({ args: ["--demo"] })
    const browser = new Browser(fetch, server.url)
    const { password, username } = Tokens
    const fields = { username, password, password_again: password }
    const done = await browser.submit(await browser.open(await Cli.firstAccountLink(server)), { fields })
    expect(done.document.querySelector("code.copy")?.text).toBe(`${server.url}/mcp`)
    expect(done.document.querySelector("main")?.text).toContain(`Logged in as ${username}`)
    const href = done.document.querySelector("a.button")?.getAttribute("href") ?? ""
    const account = await browser.open(new URL(href, server.url))
    expect(account.document.querySelector("h1")?.text).toBe("Your account")
  })

  it("the form of the first account shows all errors at once, and keeps the name", async () => {
    const server = await start()
    const browser = new Browser(fetch, server.url)
    const page = await browser.open(await Cli.firstAccountLink(server))
    const sentences = [
      "That username cannot be used",
      "That password cannot be used",
      "The two passwords differ",
      "That password is well known"
    ]
    const forms = [
      [{ username: "a b", password: "short", password_again: "shorter" }, sentences.slice(0, 3)],
      [{ username: "a b", password: Tokens.password, password_again: "" }, [sentences[0], sentences[2]]],
      [{ username: "", password: "short", password_again: "short" }, sentences.slice(0, 2)],
      [{ username: "ada", password: "short", password_again: "" }, sentences.slice(1, 3)],
      [{ username: "a b", password: "12345678", password_again: "12345678" }, [sentences[0], sentences[3]]]
    ] as const
    for (const [fields, expected] of forms) {
      const refused = await browser.submit(page, { fields })
      expect(refused.status).toBe(400)
      expect(sentences.filter((sentence) => refused.html.includes(sentence))).toEqual(expected)
      expect(refused.document.querySelector("#username")?.getAttribute("value")).toBe(fields.username)
    }
  })

  it("the home page offers the first account, a login, or the account of the user", async () => {
    const server = await start({ args: ["--demo"] })
    const browser = new Browser(fetch, server.url)
    const home = async (visitor = browser) => {
      const { document } = await visitor.open(server.url)
      const links = document.querySelectorAll("a").map((link) => link.getAttribute("href"))
      return { words: document.querySelector("main")?.text ?? "", links: links.filter((url) => url?.startsWith("/")) }
    }
    expect(await home()).toMatchObject({ links: [], words: expect.stringContaining("latchkey user create") })
    expect((await home()).words).toContain(`${server.url}/mcp`)
    expect((await home()).words).not.toContain(`${server.url}/api`)

    const { password, username } = Tokens
    const fields = { username, password, password_again: password }
    await browser.submit(await browser.open(await Cli.firstAccountLink(server)), { fields })
    expect(await home()).toMatchObject({
      links: ["/account", "/logout"],
      words: expect.stringContaining(`Logged in as ${username}`)
    })
    const stranger = await home(new Browser(fetch, server.url))
    expect(stranger).toMatchObject({ links: ["/account"], words: expect.stringContaining("Log in") })
    expect(stranger.words).not.toContain("Logged in")
  })

  it("an account of user create makes the link void", async () => {
    const server = await start()
    const link = await Cli.firstAccountLink(server)
    expect(await (await fetch(server.url)).text()).toContain("This server has no account yet")
    expect(await Tokens.createAccount(server)).toMatchObject({ code: 0 })
    expect((await fetch(link)).status).toBe(410)
    expect(await (await fetch(server.url)).text()).not.toContain("This server has no account yet")
    await until(() => !existsSync(Cli.firstAccountFile(server)))
  })

  it("a server with an account makes no link", async () => {
    const first = await start()
    const file = Cli.firstAccountFile(first)
    // The next server removes the file of a server that was killed.
    first.kill("SIGKILL")
    await first.ended
    expect(existsSync(file)).toBe(true)
    await Tokens.createAccount(first)
    const second = await start({ folder: first.folder, args: ["--port", String(first.port)] })
    expect(second.stdout()).not.toContain("first-account")
    expect(existsSync(file)).toBe(false)
  })
})

describe("what is logged", () => {
  it("the log at level debug has every request as fields, and never its query", async () => {
    const server = await start({ args: ["--log-level", "debug", "--database", "memory:"] })
    await fetch(`${server.url}/authorize?client_id=nobody&login_hint=ada`)
    await fetch(`${server.url}/nothing/here?code=abc`)
    await until(() => server.stderr().includes("/nothing/here"))
    const lines = server.stderr().trim().split("\n")
    const logged = lines.map((line) => JSON.parse(line) as { message: unknown; annotations: object })
    expect(logged).toContainEqual(
      expect.objectContaining({
        message: "request answered",
        annotations: expect.objectContaining({
          method: "GET",
          path: "/nothing/here",
          status: 404,
          ms: expect.any(Number)
        })
      })
    )
    expect(server.stderr()).not.toMatch(/login_hint|code=|nobody/)
    expect(server.stdout()).not.toContain("answered")
  })

  it("the log is empty for requests at the default level, and its level comes from a variable", async () => {
    const server = await start({ env: { LATCHKEY_LOG_LEVEL: "error", LATCHKEY_DATABASE: "memory:" } })
    await fetch(`${server.url}/authorize?client_id=nobody`)
    expect((await server.stop()).stderr).toBe("")
  })
})

describe("a server that is stopped", () => {
  /** A form whose end is sent later. */
  const slowForm = (server: Cli.Server, agent: Agent) => {
    const body = "grant_type=authorization_code&client_id=nobody&code=none"
    const sending = request(`${server.url}/token`, {
      method: "POST",
      agent,
      headers: { "content-type": "application/x-www-form-urlencoded", "content-length": body.length }
    })
    sending.write(body.slice(0, 10))
    const answer = new Promise<{ status: number | undefined; connection: string | undefined; body: string }>(
      (resolve, reject) => {
        sending.once("error", reject)
        sending.once("response", (response) => {
          let text = ""
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
          response.once("end", () =>
            resolve({ status: response.statusCode, connection: response.headers.connection, body: text })
          )
        })
      }
    )
    return { answer, finish: () => sending.end(body.slice(10)) }
  }

  const refusesConnections = (port: number) =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1")
      socket.once("connect", () => resolve(false)).once("error", () => resolve(true))
      socket.once("connect", () => socket.destroy())
    })

  it("a stopped server completes its requests, accepts no more, closes its database, and ends with 0", async () => {
    const server = await start()
    const agent = new Agent({ keepAlive: true })
    closing.push(async () => agent.destroy())
    await fetch(server.url)
    const slow = slowForm(server, agent)
    await sleep(200)
    server.kill("SIGTERM")
    await until(() => refusesConnections(server.port))
    await sleep(100)
    slow.finish()
    // The server must ask the database to refuse the unknown client.
    const answer = await slow.answer
    expect(answer).toMatchObject({ status: 401, connection: "close" })
    expect(JSON.parse(answer.body)).toMatchObject({ error: "invalid_client" })
    expect(await server.ended).toMatchObject({ code: 0 })
    expect((await readdir(join(server.folder, "data"))).sort()).toEqual(["latchkey.db", "latchkey.db.key"])
  })

  it("a stopped server ends with 0, wherever the command is on the command line", async () => {
    const folder = await Cli.temporaryFolder()
    closing.push(folder.remove)
    const env = { LATCHKEY_PORT: String(await Cli.freePort()), LATCHKEY_DATABASE: "memory:" }
    const ended = Cli.run(["--log-level", "none", "serve"], { env, cwd: folder.path, signal: "SIGTERM" })
    expect(await ended).toMatchObject({ code: 0, stderr: "" })
  })

  it("a stopped server does not wait for idle connections", async () => {
    const server = await start({ args: ["--database", "memory:"] })
    const idle = connect(server.port, "127.0.0.1")
    await new Promise((resolve) => idle.once("connect", resolve))
    const closed = new Promise((resolve) => idle.once("close", resolve))
    idle.resume()
    const before = performance.now()
    server.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: 0 })
    await closed
    expect(performance.now() - before).toBeLessThan(5000)
  })
})

it("a server starts again on its database", async () => {
  const first = await start({ args: ["--demo"] })
  await Tokens.createAccount(first)
  const token = await Tokens.accessToken(first, "notes:read")
  first.kill("SIGTERM")
  await first.ended
  const second = await start({ folder: first.folder, args: ["--demo", "--port", String(first.port)] })
  const response = await fetch(`${second.url}/mcp`, {
    method: "POST",
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }
  })
  expect(response.status).toBe(200)
  expect(await readFile(join(second.folder, "data/latchkey.db.key"), "utf8")).toMatch(/^[\w-]{43}\n$/)
})
