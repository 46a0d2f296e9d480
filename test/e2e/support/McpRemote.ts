/**
 * mcp-remote as a process: an MCP server on standard input and output that passes messages to a server behind a login. It is
 * installed in test/e2e/packages, because nothing else needs it.
 */
import { execFileSync, spawn } from "node:child_process"
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import * as Cli from "../../support/Cli.js"

const packages = fileURLToPath(new URL("../packages", import.meta.url))

/** Installs the package, if it is missing. */
export const install = (): void => {
  if (existsSync(join(packages, "node_modules/.package-lock.json"))) return
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: packages, stdio: ["ignore", "ignore", "inherit"] })
}

/** A running mcp-remote. */
export interface McpRemote {
  /** The URL that it opened in the browser of the person. */
  readonly opened: () => Promise<string>
  /** Sends a request of MCP, and returns the result. */
  readonly request: (method: string, params?: object) => Promise<Readonly<Record<string, unknown>>>
  /** Sends a notification of MCP. */
  readonly notify: (method: string) => void
  /** Standard error until now. */
  readonly log: () => string
  readonly stop: () => Promise<void>
}

/** Maximum time that the program may take for an answer, in milliseconds. */
const patience = 30_000

const until = async <A>(find: () => A | undefined, failure: () => string): Promise<A> => {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(20)) {
    const found = find()
    if (found !== undefined) return found
  }
  throw new Error(failure())
}

/**
 * Starts it for a server. `folder` has its registrations and tokens. Its browser is a script that writes the URL to a file
 * (`BROWSER`, as `xdg-open` reads it).
 */
export const start = (url: string, folder: string, args: ReadonlyArray<string> = []): McpRemote => {
  const [browser, opened] = [join(folder, "browser"), join(folder, "opened")]
  writeFileSync(browser, `#!/bin/sh\nprintf '%s' "$1" > '${opened}.new' && mv '${opened}.new' '${opened}'\n`)
  chmodSync(browser, 0o700)
  const program = join(packages, "node_modules/mcp-remote/dist/proxy.js")
  const { DBUS_SESSION_BUS_ADDRESS: _, DISPLAY: __, WAYLAND_DISPLAY: ___, ...environment } = Cli.cleanEnvironment()
  const child = spawn(process.execPath, [program, url, ...args], {
    cwd: folder,
    env: { ...environment, HOME: folder, MCP_REMOTE_CONFIG_DIR: folder, BROWSER: browser },
    stdio: ["pipe", "pipe", "pipe"]
  })
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  const answers = new Map<unknown, Readonly<Record<string, unknown>>>()
  let rest = ""
  let log = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text))
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines.filter((line) => line !== "")) {
      const message = JSON.parse(line) as Readonly<Record<string, unknown>>
      answers.set(message.id, message)
    }
  })
  child.stdin.on("error", () => {})
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`)
  let id = 0
  return {
    opened: async () => {
      await until(
        () => (existsSync(opened) ? true : undefined),
        () => `mcp-remote opened no browser:\n${log}`
      )
      return readFileSync(opened, "utf8")
    },
    request: async (method, params = {}) => {
      const own = ++id
      send({ id: own, method, params })
      const answer = await until(
        () => answers.get(own),
        () => `mcp-remote did not answer ${method}:\n${log}`
      )
      if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error))
      return answer.result as Readonly<Record<string, unknown>>
    },
    notify: (method) => send({ method }),
    log: () => log,
    stop: () => {
      child.kill("SIGTERM")
      return ended
    }
  }
}
