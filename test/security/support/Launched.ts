/** `latchkey serve` as a process, for checks of its files, output, signals and end. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Runtime from "effect/Runtime"
import { password, TestServer } from "../../flow/support/Server.js"
import * as Cli from "../../support/Cli.js"
import { filesOf, masterKeyOf, type Places, Secrets } from "../../support/Secrets.js"

export interface LaunchOptions {
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** A program that starts the server, such as `prlimit`. */
  readonly under?: ReadonlyArray<string>
}

/** A launched server with an account `ada`, whose guarded resource is the demo at `/mcp`. */
export interface Launched {
  readonly server: () => Cli.Server
  readonly data: string
  /** Requests of clients and a browser over HTTP. The services of the server are out of reach. */
  readonly flows: TestServer
  /** Every secret that passed between `flows` and the server. */
  readonly secrets: Secrets
  /** The files of the data folder as they are now, without the master key and the link to the first account. */
  readonly files: () => Places
  /** What the server has printed so far. */
  readonly output: () => Places
  /** Kills the process with SIGKILL and starts it again on its port and files. */
  readonly killAndRestart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Requests of clients and a browser to the demo, which answers POST only. */
class DemoFlows extends TestServer {
  override readonly call = (token: string | undefined, uri = this.resource) =>
    this.fetch(
      new Request(uri, {
        method: "POST",
        body: "{}",
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
        }
      })
    )
}

/** Starts a server in a new folder. */
export const launch = async ({ args = ["--demo"], env = {}, under }: LaunchOptions = {}): Promise<Launched> => {
  const { path: folder, remove } = await Cli.temporaryFolder()
  const settings = {
    LATCHKEY_PORT: String(await Cli.freePort()),
    LATCHKEY_RATE_LIMIT: "off",
    LATCHKEY_LOG_LEVEL: "all",
    ...env
  }
  const begin = () => Cli.startServer({ args, env: settings, folder, ...(under && { under }) })
  let server = await begin()
  const earlier: Array<string> = []
  const data = join(folder, "data")
  const secrets = new Secrets()
  secrets.add("password", password)
  secrets.add("master key", masterKeyOf(join(data, "latchkey.db")))
  secrets.add("first account", readFileSync(Cli.firstAccountFile(server), "utf8").trim())
  const created = await Cli.run(["user", "create", "ada", "--password-stdin"], { server, stdin: password })
  if (created.code !== 0) throw new Error(created.stderr)
  return {
    server: () => server,
    data,
    secrets,
    flows: new DemoFlows(
      server.url,
      secrets.listen((request) => fetch(request, { redirect: "manual" })),
      Runtime.defaultRuntime as TestServer["runtime"],
      `${server.url}/mcp`
    ),
    files: () => {
      const { "first-account-link": _, ...files } = filesOf(data)
      return files
    },
    output: () => ({ stdout: server.stdout(), stderr: [...earlier, server.stderr()].join("") }),
    killAndRestart: async () => {
      server.kill("SIGKILL")
      earlier.push((await server.ended).stderr)
      server = await begin()
    },
    stop: async () => {
      await server.stop()
      await remove()
    }
  }
}

/** Runs `use` against a launched server, and stops the server. */
export const launched = async <A>(use: (launched: Launched) => Promise<A>, options?: LaunchOptions): Promise<A> => {
  const running = await launch(options)
  try {
    return await use(running)
  } finally {
    await running.stop()
  }
}
