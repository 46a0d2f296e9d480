/**
 * Measures the ways of `server.mjs`: refreshes in a second of CPU time of the server, in rounds that take turns, with each way as a
 * share of the first target in the same round. The server runs on CPU 1 and the load on CPU 0 (Linux with `taskset`). Each answer
 * is checked. At the end the token of each grant must be active for the introspection of the ordinary server, and a spent
 * refresh token must be refused and must revoke its grant.
 *
 * Usage, after `npm run build`: `node bench/turn/measure.mjs [--rounds 10] [--warm 8] [--ways ordinary,split,held,...]
 * [--bound bound.mjs]`. `--bound` names a server to compare with, which runs twice, so that the table shows the noise.
 */
import { execFileSync, spawn } from "node:child_process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    warm: { type: "string", default: "8" },
    seconds: { type: "string", default: "1" },
    conns: { type: "string", default: "32" },
    port: { type: "string", default: "9100" },
    ways: { type: "string", default: "ordinary,split,held,joined,effect,plain" },
    bound: { type: "string" }
  }
})
const conns = Number(options.conns)
const form = "application/x-www-form-urlencoded"

/** @typedef {{ readonly status: number, readonly head: string, readonly body: string }} Answer */

/** A keep-alive connection with one request at a time. */
class Connection {
  /** @type {((answer: Answer) => void) | undefined} */
  #resume
  #text = ""
  /** @param {number} port */
  constructor(port) {
    this.port = port
    this.socket = Net.connect({ host: "127.0.0.1", port, noDelay: true })
    this.socket.setEncoding("latin1").on("error", (error) => {
      console.error(error.message)
      process.exit(1)
    })
    this.socket.on("data", (/** @type {string} */ data) => {
      this.#text += data
      const end = this.#text.indexOf("\r\n\r\n")
      if (end < 0) return
      const head = this.#text.slice(0, end)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      if (this.#text.length < end + 4 + length) return
      const body = this.#text.slice(end + 4, end + 4 + length)
      this.#text = ""
      this.#resume?.({ status: Number(head.slice(9, 12)), head, body })
    })
  }
  /** @param {string} text @returns {Promise<Answer>} */
  send(text) {
    return new Promise((resolve) => {
      this.#resume = resolve
      this.socket.write(text, "latin1")
    })
  }
  /** @param {string} path @param {string} headers @param {Record<string, string>} fields */
  post(path, headers, fields) {
    const body = new URLSearchParams(fields).toString()
    const type = `Host: 127.0.0.1:${this.port}\r\nContent-Type: ${form}\r\nContent-Length: ${body.length}\r\n`
    return this.send(`POST ${path} HTTP/1.1\r\n${type}${headers}\r\n${body}`)
  }
  /** @param {string} path @param {string} [headers] */
  get(path, headers = "") {
    return this.send(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\n${headers}\r\n`)
  }
}

/** Returns the CPU time of all threads of a process, in seconds. @param {number} pid */
const cpuOf = (pid) => {
  let nanos = 0
  for (const thread of Fs.readdirSync(`/proc/${pid}/task`)) {
    nanos += Number(Fs.readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0])
  }
  return nanos / 1e9
}

/** @param {number} millis */
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis))

/** @param {ReadonlyArray<string>} args @param {Record<string, string>} env */
const start = (args, env) => {
  const child = spawn("taskset", ["-c", "1", process.execPath, ...args], {
    env: { ...process.env, NODE_ENV: "production", ...env },
    stdio: ["ignore", "pipe", "inherit"]
  })
  return { child, pid: Number(child.pid) }
}

/** @typedef {{ connection: Connection, token: string, spent: string, access: string }} Worker */

/**
 * @typedef {object} Target
 * @property {string} name
 * @property {import("node:child_process").ChildProcess} child
 * @property {number} pid
 * @property {string} headers
 * @property {Record<string, string>} fields
 * @property {Array<Worker>} workers
 * @property {number | undefined} introspectionPort
 */

/** @param {string} way @param {number} port @returns {Promise<Target>} */
const startWay = async (way, port) => {
  const script = fileURLToPath(new URL("server.mjs", import.meta.url))
  const { child, pid } = start([script, "--way", way, "--port", String(port), "--grants", String(conns)], {})
  let text = ""
  for await (const chunk of child.stdout ?? []) {
    text += chunk
    if (text.includes("\n")) break
  }
  /** @type {{ port: number, serverPort: number, client: { id: string, secret: string }, tokens: Array<string> }} */
  const { client, serverPort, tokens } = JSON.parse(text)
  const basic = Buffer.from(`${client.id}:${client.secret}`).toString("base64")
  const workers = tokens.map((token) => ({ connection: new Connection(port), token, spent: "", access: "" }))
  return {
    name: way,
    child,
    pid,
    headers: `Authorization: Basic ${basic}\r\n`,
    fields: {},
    workers,
    introspectionPort: serverPort
  }
}

/** Starts the lower bound, and gets its tokens by codes. @param {string} script @param {number} port @returns {Promise<Target>} */
const startBound = async (script, port) => {
  const DATA = Fs.mkdtempSync(Path.join(Os.tmpdir(), "latchkey-bound-"))
  const env = { PORT: String(port), DATA, SYNC: "FULL", GROUP: "1", STORE: "sqlite", KEY: "seq" }
  const { child, pid } = start([script], env)
  process.on("exit", () => Fs.rmSync(DATA, { recursive: true, force: true }))
  await sleep(3000)
  const redirect_uri = "https://app.example/cb"
  const worker = async () => {
    const connection = new Connection(port)
    const verifier = Crypto.randomBytes(32).toString("base64url")
    const code_challenge = Crypto.createHash("sha256").update(verifier).digest("base64url")
    const cookie = /set-cookie: ([^;]*)/i.exec((await connection.get("/login")).head)?.[1]
    const asked = { response_type: "code", client_id: "pub", redirect_uri, scope: "api", state: "s", code_challenge }
    const query = new URLSearchParams({ ...asked, code_challenge_method: "S256" })
    const { head } = await connection.get(`/authorize?${query}`, `Cookie: ${cookie}\r\n`)
    const code = new URL(/location: (\S+)/i.exec(head)?.[1] ?? "").searchParams.get("code") ?? ""
    const sent = { grant_type: "authorization_code", client_id: "pub", code, redirect_uri, code_verifier: verifier }
    const { access_token, refresh_token } = JSON.parse((await connection.post("/token", "", sent)).body)
    return { connection, token: refresh_token, spent: "", access: access_token }
  }
  const workers = await Promise.all(Array.from({ length: conns }, worker))
  return { name: "bound", child, pid, headers: "", fields: { client_id: "pub" }, workers, introspectionPort: undefined }
}

/** @param {Target} target @param {Connection} connection @param {string} token */
const sendRefresh = ({ fields, headers }, connection, token) =>
  connection.post("/token", headers, { grant_type: "refresh_token", refresh_token: token, ...fields })

/** Refreshes until the server has used some CPU time. @param {Target} target @param {number} seconds */
const run = async (target, seconds) => {
  const began = cpuOf(target.pid)
  let isOver = false
  let refreshes = 0
  const clock = setInterval(() => {
    isOver = cpuOf(target.pid) - began >= seconds
  }, 20)
  await Promise.all(
    target.workers.map(async (worker) => {
      // A server closes idle connections, and it is idle while the others are measured.
      worker.connection.socket.destroy()
      worker.connection = new Connection(worker.connection.port)
      while (!isOver) {
        const { body, status } = await sendRefresh(target, worker.connection, worker.token)
        const { access_token, refresh_token } = JSON.parse(body)
        if (status !== 200 || refresh_token === worker.token || !access_token || access_token === worker.access) {
          throw new Error(`${target.name}: ${status} ${body}`)
        }
        worker.spent = worker.token
        worker.token = refresh_token
        worker.access = access_token
        refreshes++
      }
    })
  )
  clearInterval(clock)
  return refreshes / (cpuOf(target.pid) - began)
}

/** Checks the tokens that a target issued. @param {Target} target */
const check = async (target) => {
  const ordinary = target.introspectionPort === undefined ? undefined : new Connection(target.introspectionPort)
  const isActive = async (/** @type {string} */ token) =>
    JSON.parse((await ordinary?.post("/introspect", target.headers, { token }))?.body ?? "{}").active
  for (const { access, connection: idle, spent, token } of target.workers) {
    const connection = new Connection(idle.port)
    if (ordinary !== undefined && (await isActive(access)) !== true) throw new Error(`${target.name}: not active`)
    const replay = await sendRefresh(target, connection, spent)
    if (replay.status !== 400) throw new Error(`${target.name}: a spent token was accepted`)
    if (ordinary !== undefined && (await isActive(access)) !== false) throw new Error(`${target.name}: not revoked`)
    const after = await sendRefresh(target, connection, token)
    if (after.status !== 400) throw new Error(`${target.name}: the grant was not revoked`)
  }
}

/** @param {ReadonlyArray<number>} all */
const summary = (all) => {
  const sorted = Array.from(all).sort((one, other) => one - other)
  const at = (/** @type {number} */ place) => sorted[place] ?? Number.NaN
  const middle = (at(Math.floor((sorted.length - 1) / 2)) + at(Math.ceil((sorted.length - 1) / 2))) / 2
  return { middle, least: at(0), most: at(sorted.length - 1) }
}

execFileSync("taskset", ["-acp", "0", String(process.pid)], { stdio: "ignore" })
let port = Number(options.port)
/** @type {Array<Target>} */
const targets = []
try {
  if (options.bound !== undefined) {
    for (let i = 0; i < 2; i++) targets.push(await startBound(options.bound, port++))
  }
  for (const way of options.ways.split(",")) {
    targets.push(await startWay(way, port))
    port += 2
  }
  for (const target of targets) console.error(target.name, Math.round(await run(target, Number(options.warm))))
  /** @type {Array<Array<number>>} */
  const rates = targets.map(() => [])
  for (let round = 0; round < Number(options.rounds); round++) {
    for (let i = 0; i < targets.length; i++) {
      const place = (i + round) % targets.length
      const target = targets[place]
      if (target !== undefined) rates[place]?.push(await run(target, Number(options.seconds)))
    }
    console.error(`round ${round + 1}: ${rates.map((all) => Math.round(all.at(-1) ?? 0)).join(" ")}`)
  }
  for (const target of targets) await check(target)
  console.log(
    "| way | refreshes in a second of CPU time | share of the first | CPU time of a refresh |\n|---|---|---|---|"
  )
  for (const [place, { name }] of targets.entries()) {
    const own = rates[place] ?? []
    const { least, middle, most } = summary(own)
    const shares = summary(own.map((rate, round) => (100 * rate) / (rates[0]?.[round] ?? Number.NaN)))
    const range = `${shares.middle.toFixed(0)} % (${shares.least.toFixed(0)} to ${shares.most.toFixed(0)})`
    const speed = `${middle.toFixed(0)} (${least.toFixed(0)} to ${most.toFixed(0)})`
    console.log(`| ${name} | ${speed} | ${range} | ${(1e6 / middle).toFixed(0)} µs |`)
  }
} finally {
  for (const { child } of targets) child.kill("SIGTERM")
}
process.exit(0)
