/** `latchkey serve --workers 2`: the start, the end, and the replacement of workers. */

import { readdir, readFile } from "node:fs/promises"
import type { Agent } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import Sqlite from "better-sqlite3"
import { afterEach, describe, expect, it } from "vitest"
import { Browser } from "../../flow/support/Browser.js"
import * as Cli from "../../support/Cli.js"
import * as Tokens from "../support/Tokens.js"
import * as Workers from "../support/Workers.js"

const closing: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const start = async (options: Cli.StartOptions = {}) => {
  const server = await Workers.startServer(options)
  closing.push(server.stop)
  return server
}

const connections = async (server: Cli.Server) => {
  const agents = await Workers.connections(server)
  closing.push(() => {
    for (const agent of agents) agent.destroy()
  })
  return agents
}

const refusesConnections = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => resolve(false)).once("error", () => resolve(true))
    socket.once("connect", () => socket.destroy())
  })

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The process ids of the workers. */
const workersOf = async ({ pid }: Cli.Server): Promise<ReadonlyArray<number>> => {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")
  return children.trim().split(" ").map(Number)
}

/** A form of a client that the server must look up in its database. Its last bytes are sent later. */
const slowForm = (server: Cli.Server, agent: Agent) => {
  const body = "grant_type=authorization_code&client_id=missing&code=none"
  const headers = { ...Workers.form, "content-length": body.length }
  const { answer, sending } = Workers.begin(server, agent, "/token", { method: "POST", headers })
  sending.write(body.slice(0, 10))
  return { answer, finish: () => sending.end(body.slice(10)) }
}

describe("a server with two workers", () => {
  it("both workers answer requests of one port, and the text for the operator is printed once", async () => {
    const server = await start({ env: { LATCHKEY_LOG_LEVEL: "debug", LATCHKEY_ACCES_TOKEN_TTL: "1 second" } })
    const agents = await connections(server)
    for (const agent of agents) expect((await Workers.send(server, agent, "/ready")).status).toBe(200)
    expect(Workers.answeredBy(server, "/ready")).toEqual([1, 2])
    for (const once of ["is running at", "There is no account yet", "first-account-link", "Ctrl-C"]) {
      expect(server.stdout().split(once)).toHaveLength(once === "first-account-link" ? 3 : 2)
    }
    expect(Workers.logged(server, "unknown variables ignored")).toHaveLength(1)
  })

  it.each(["SIGTERM", "SIGINT"] as const)("%s ends the server with 0 and closes the database", async (signal) => {
    const server = await start({ env: { LATCHKEY_LOG_LEVEL: "info" } })
    const workers = await workersOf(server)
    expect(workers).toHaveLength(2)
    server.kill(signal)
    expect(await server.ended).toMatchObject({ code: 0, stderr: "" })
    expect(workers.filter(isAlive)).toEqual([])
    expect((await readdir(join(server.folder, "data"))).sort()).toEqual(["latchkey.db", "latchkey.db.key"])
  })

  it("a server that is stopped completes the request in flight of each worker, and accepts no more", async () => {
    const server = await start()
    const forms = (await connections(server)).map((agent) => slowForm(server, agent))
    await sleep(200)
    server.kill("SIGTERM")
    await Workers.until(() => refusesConnections(server.port))
    await sleep(100)
    for (const { finish } of forms) finish()
    for (const { body, headers, status } of await Promise.all(forms.map(({ answer }) => answer))) {
      expect({ status, connection: headers.connection }).toEqual({ status: 401, connection: "close" })
      expect(JSON.parse(body)).toMatchObject({ error: "invalid_client" })
    }
    expect(await server.ended).toMatchObject({ code: 0 })
    expect(Workers.answeredBy(server, "/token")).toEqual([1, 2])
  })

  it("a signal that reaches the workers too, as Ctrl-C in a terminal does, completes the requests in flight", async () => {
    const server = await start()
    const forms = (await connections(server)).map((agent) => slowForm(server, agent))
    await sleep(200)
    for (const pid of [...(await workersOf(server)), server.pid]) process.kill(pid, "SIGINT")
    await Workers.until(() => refusesConnections(server.port))
    for (const { finish } of forms) finish()
    for (const { status } of await Promise.all(forms.map(({ answer }) => answer))) expect(status).toBe(401)
    expect(await server.ended).toMatchObject({ code: 0 })
    expect(Workers.logged(server, "worker ended, it is replaced")).toEqual([])
  })

  it("a second signal ends all processes at once", async () => {
    const server = await start()
    const workers = await workersOf(server)
    const [agent] = await connections(server)
    const { answer } = slowForm(server, agent)
    const failed = answer.catch((error: NodeJS.ErrnoException) => error.code)
    await sleep(200)
    server.kill("SIGTERM")
    await Workers.until(() => refusesConnections(server.port))
    server.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: null })
    expect(await failed).toBe("ECONNRESET")
    await Workers.until(() => !workers.some(isAlive))
  })

  it("the workers of a primary that is killed end", async () => {
    const server = await start()
    const workers = await workersOf(server)
    server.kill("SIGKILL")
    await server.ended
    await Workers.until(() => !workers.some(isAlive))
    expect(await refusesConnections(server.port)).toBe(true)
  })
})

describe("a worker that ends", () => {
  /** Kills a worker, and waits until it is replaced. */
  const kill = async (server: Cli.Server, pid: number) => {
    const started = () => Workers.logged(server, "worker started").length
    const before = started()
    process.kill(pid, "SIGKILL")
    await Workers.until(() => Workers.logged(server, "worker ended, it is replaced").at(-1)?.pid === pid)
    expect((await fetch(`${server.url}/ready`, { headers: { connection: "close" } })).status).toBe(200)
    await Workers.until(() => started() > before)
  }

  it("a worker that is killed is logged and replaced, and the other worker answers meanwhile", async () => {
    const server = await start()
    const workers = await workersOf(server)
    for (const pid of workers) await kill(server, pid)
    const lines = Workers.logged(server, "worker ended, it is replaced")
    expect(lines.map(({ pid, signal, worker }) => ({ pid, signal, worker }))).toEqual(
      workers.map((pid, index) => ({ pid, signal: "SIGKILL", worker: index + 1 }))
    )
    for (const agent of await connections(server)) {
      expect((await Workers.send(server, agent, "/ready")).status).toBe(200)
    }
    expect(server.stdout().split("Ctrl-C")).toHaveLength(2)
    server.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it("a server that is stopped while a worker is replaced ends with 0", async () => {
    const server = await start()
    process.kill((await workersOf(server))[0] as number, "SIGKILL")
    const before = await workersOf(server)
    await Workers.until(async () => (await workersOf(server)).some((pid) => !before.includes(pid)))
    server.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it("the link to the first account works at every worker, also after the first worker was replaced", async () => {
    const server = await start()
    const link = await Cli.firstAccountLink(server)
    const path = link.slice(server.url.length)
    for (const agent of await connections(server)) {
      expect((await Workers.send(server, agent, path)).status).toBe(200)
    }
    await kill(server, (await workersOf(server))[0] as number)
    expect(await Cli.firstAccountLink(server)).toBe(link)
    const browser = new Browser(fetch, server.url)
    const { password, username } = Tokens
    const fields = { username, password, password_again: password }
    expect((await browser.submit(await browser.open(link), { fields })).status).toBe(200)
    for (const agent of await connections(server)) {
      expect((await Workers.send(server, agent, path)).status).toBe(410)
    }
  })

  it("a worker that cannot start again is tried again, and the other worker answers meanwhile", async () => {
    const server = await start()
    const file = new Sqlite(join(server.folder, "data/latchkey.db"))
    closing.push(() => file.close())
    const before = file.pragma("user_version", { simple: true })
    file.pragma("user_version = 9999")
    process.kill((await workersOf(server))[1] as number, "SIGKILL")
    const failed = () => Workers.logged(server, "worker did not start, the next start follows")
    await Workers.until(() => failed().length > 0)
    expect(failed()[0]).toMatchObject({ worker: 2, reason: expect.stringContaining("later version of Latchkey") })
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
    file.pragma(`user_version = ${before}`)
    await Workers.until(() => Workers.logged(server, "worker started").length === 1)
    await connections(server)
  })
})

describe("a start that cannot succeed", () => {
  const run = (args: ReadonlyArray<string>, options: Cli.RunOptions = {}) =>
    Cli.run(["serve", "--workers", "2", ...args], options)

  it("a port that is in use is refused once, with the same message as for one process", async () => {
    const other = await start()
    const args = ["--port", String(other.port), "--database", "sqlite:other.db"]
    const refused = await run(args)
    expect(refused).toEqual(await Cli.run(["serve", ...args]))
    expect(refused).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^latchkey: port .* in use.*\n$/)
    })
  })

  it("a database of a later version is refused once", async () => {
    const folder = await Cli.temporaryFolder()
    closing.push(folder.remove)
    const env = { LATCHKEY_PORT: String(await Cli.freePort()) }
    await (await Cli.startServer({ folder: folder.path, env })).stop()
    const file = new Sqlite(join(folder.path, "data/latchkey.db"))
    file.pragma("user_version = 9999")
    file.close()
    expect(await run([], { cwd: folder.path, env })).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^latchkey: [^\n]*later version of Latchkey[^\n]*\n$/)
    })
  })

  it.each([
    [["--workers", "0"], "--workers: give a whole number from 1 to 64"],
    [["--workers", "2", "--database", "memory:"], "--workers: workers cannot share memory:"],
    [["--workers", "2", "--demo"], "--workers: workers cannot share the notes of --demo"]
  ])("serve %j is refused in one line", async (args, message) => {
    const refused = await Cli.run(["serve", ...args])
    expect(refused).toMatchObject({ code: 2, stdout: "" })
    expect(refused.stderr).toMatch(new RegExp(`^latchkey: ${message}[^\\n]*\\n$`))
  })
})
