/** Servers with several workers, and connections to a certain worker of one. */
import { Agent, request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import * as Cli from "../../support/Cli.js"

/** Waits until a condition is true. */
export const until = async (holds: () => boolean | Promise<boolean>) => {
  for (let tries = 0; tries < 500 && !(await holds()); tries++) await sleep(20)
  expect(await holds()).toBe(true)
}

/** Starts a server with two workers, whose log names the worker of each request. */
export const startServer = ({ args = [], env = {}, ...options }: Cli.StartOptions = {}) =>
  Cli.startServer({ ...options, args: ["--workers", "2", ...args], env: { LATCHKEY_LOG_LEVEL: "debug", ...env } })

interface Line {
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** The lines of the log with this message. */
export const logged = (server: Cli.Server, message: string): ReadonlyArray<Line["annotations"]> =>
  server
    .stderr()
    .trim()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.message === message)
    .map(({ annotations }) => annotations)

/** The numbers of the workers that answered requests of a path, in ascending order. */
export const answeredBy = (server: Cli.Server, path: string): ReadonlyArray<unknown> =>
  Array.from(
    new Set(
      logged(server, "request answered")
        .filter((line) => line.path === path)
        .map(({ worker }) => worker)
    )
  ).sort()

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: string
}

/** Begins a request whose body follows later. */
export const begin = (server: Cli.Server, agent: Agent, path: string, { headers = {}, method = "GET" }: Sent = {}) => {
  const sending = request(`${server.url}${path}`, { method, agent, headers })
  const answer = new Promise<Answer>((resolve, reject) => {
    sending.once("error", reject).once("response", (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (text: string) => (body += text))
      response.once("error", reject)
      response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
  })
  return { sending, answer }
}

/** Sends a request on the connection of an agent. */
export const send = (server: Cli.Server, agent: Agent, path: string, sent: Sent = {}): Promise<Answer> => {
  const { answer, sending } = begin(server, agent, path, sent)
  sending.end(sent.body)
  return answer
}

export const form = { "content-type": "application/x-www-form-urlencoded" }

/** Opens connections until there is one to each of the two workers. */
export const connections = async (server: Cli.Server): Promise<readonly [first: Agent, second: Agent]> => {
  const found = new Map<unknown, Agent>()
  for (let tries = 0; tries < 20 && found.size < 2; tries++) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const { headers } = await send(server, agent, "/health")
    const lineOf = () =>
      logged(server, "request answered").find(({ requestId }) => requestId === headers["x-request-id"])
    await until(() => lineOf() !== undefined)
    const worker = lineOf()?.worker
    if (found.has(worker)) agent.destroy()
    else found.set(worker, agent)
  }
  const [first, second] = [found.get(1), found.get(2)]
  if (first === undefined || second === undefined) throw new Error(`no connection to both workers:\n${server.stderr()}`)
  return [first, second]
}
