/** Plays the cases of a run, several at a time, and keeps count of all that they send and are answered. */
import type { Answer } from "./Answer.js"
import { Dice } from "./Dice.js"
import * as Api from "./flows/Api.js"
import * as Clients from "./flows/Clients.js"
import * as Mcp from "./flows/Mcp.js"
import * as Person from "./flows/Person.js"
import * as Public from "./flows/Public.js"
import * as Tokens from "./flows/Tokens.js"
import type { Http, Target } from "./Http.js"
import * as Learned from "./Learned.js"
import { mutate } from "./Mutations.js"
import * as Oracles from "./Oracles.js"
import { printed, type Request, toBytes } from "./Request.js"
import * as Script from "./raw/Script.js"
import * as Scripts from "./raw/Scripts.js"
import type { Sent } from "./Storage.js"
import type { Flow, Scene, World } from "./World.js"

/** A broken promise, and the request after which it was seen. */
export interface Finding extends Oracles.Broken {
  /** The number of the case; `undefined` where it is not one case alone. */
  readonly index: number | undefined
  readonly kind: string
  readonly request: string
}

const flows: ReadonlyArray<Flow> = [
  Clients.flow,
  Mcp.flow,
  ...Person.flows,
  ...Tokens.flows,
  ...Api.flows,
  ...Public.flows
]

/** Share of the cases that are raw connections, in percent. */
const rawShare = 30

/** Maximum number of findings of one kind that are kept: the rest are counted nowhere, and say the same. */
const most = 5

/**
 * Length of a request in bytes beyond which the server may close the connection while it is still being sent (431, 413): the
 * client then may see a reset and not the response.
 */
const readable = 16 * 1024

/** Maximum number of late answers whose requests are sent again. */
const mostLate = 200

interface Config {
  readonly world: World
  readonly http: Http
  readonly target: Target
  readonly options: { readonly seed: number; readonly concurrency: number; readonly isStrict: boolean }
}

/** What one case is called in reports. */
interface Label {
  readonly index: number | undefined
  readonly kind: string
}

export class Cases {
  readonly findings: Array<Finding> = []
  readonly statuses = new Map<string, number>()
  readonly kinds = new Map<string, number>()
  readonly millis: Array<number> = []
  /** Whether the server counts requests: then few addresses are used, so that limits are met. */
  hasLimits = true
  requests = 0
  readonly #config: Config
  readonly #paths = new Map<string, number>()
  readonly #recent: Array<string> = []
  readonly #unanswered: Array<Finding> = []
  readonly #late: Array<{ readonly finding: Finding; readonly again: () => Promise<number> }> = []
  #next = 0

  constructor(config: Config) {
    this.#config = config
  }

  /** Requests by what they may add to the database. */
  get sent(): Sent {
    const of = (...paths: ReadonlyArray<string>) =>
      paths.reduce((sum, path) => sum + (this.#paths.get(path) ?? 0), this.#paths.get("raw") ?? 0)
    return {
      all: this.requests,
      registrations: of("/register", "/api/admin/clients"),
      logins: of("/login", "/account", "/first-account"),
      approvals: of("/consent", "/authorize"),
      revocations: of("/revoke")
    }
  }

  /** The last requests before now: one of them is why the server died. */
  recent(): string {
    return this.#recent.slice(-2 * this.#config.options.concurrency).join("\n    ")
  }

  reportAll(broken: ReadonlyArray<Oracles.Broken>, request = ""): void {
    for (const one of broken) this.#report(one, { index: undefined, kind: "the whole run" }, request)
  }

  #report(broken: Oracles.Broken, label: Label, request: string): void {
    const same = this.findings.filter(
      ({ detail, kind, oracle }) => oracle === broken.oracle && (kind === label.kind || detail === broken.detail)
    )
    if (same.length < most)
      this.findings.push({
        oracle: broken.oracle,
        detail: broken.detail,
        index: label.index,
        kind: label.kind,
        request
      })
  }

  /** Plays new cases, several at a time, until this is so. */
  async playUntil(isOver: () => boolean): Promise<void> {
    const worker = async () => {
      while (!isOver()) await this.playOne(this.#next++)
    }
    await Promise.all(Array.from({ length: this.#config.options.concurrency }, worker))
  }

  async playOne(index: number): Promise<void> {
    const dice = Dice.ofCase(this.#config.options.seed, index)
    try {
      await (dice.chance(rawShare) ? this.#playRaw(index, dice) : this.#playFlow(index, dice))
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#report({ oracle: "fuzzer", detail }, { index, kind: "a fault of the fuzzer" }, "")
    }
  }

  async #playRaw(index: number, dice: Dice): Promise<void> {
    const { target, world } = this.#config
    const script = Scripts.generate(world, dice, `${target.host}:${target.port}`)
    const request = script.steps.map((step) => ("write" in step ? printed(step.write) : JSON.stringify(step))).join(" ")
    const label = { index, kind: `raw: ${script.name}` }
    this.#count("raw", label, request)
    const answers = await Script.play(script, target)
    for (const answer of answers) this.#look(answer, undefined, label, request)
    const again = async () => Math.max(...(await Script.play(script, target)).map(({ millis }) => millis))
    for (const answer of answers.slice(-1)) this.#time(answer, label, request, again)
    if (script.answers === 0) await this.#askAfter(label, request)
  }

  /**
   * Asks on a new connection whether the server lives, after one that needs no response. The server accepts connections in
   * their order, so that this also keeps cases from opening them faster than they are accepted.
   */
  async #askAfter(label: Label, request: string): Promise<void> {
    const { target } = this.#config
    const script = Scripts.health(`${target.host}:${target.port}`)
    const both = `${request}, then GET /health`
    this.#count("/health", { ...label, kind: script.name }, both)
    for (const answer of await Script.play(script, target)) this.#look(answer, "/health", label, both)
  }

  async #playFlow(index: number, dice: Dice): Promise<void> {
    const flow = dice.weighted(flows)
    const mutatedStep = dice.int(flow.steps + 1)
    const address = this.hasLimits ? `203.0.113.${1 + dice.int(3)}` : dice.address()
    await flow.play(this.#scene({ index, kind: flow.name }, dice, mutatedStep, address))
  }

  /** A scene that mutates nothing. */
  unmutated(): Scene {
    return this.#scene(
      { index: undefined, kind: "set-up" },
      new Dice(this.#config.options.seed),
      Number.NaN,
      "203.0.113.9"
    )
  }

  #scene(label: Label, dice: Dice, mutatedStep: number, address: string): Scene {
    let step = 0
    let last = ""
    const send = async (plain: Request): Promise<Answer> => {
      const addressed = { ...plain, headers: [...plain.headers, ["x-forwarded-for", address] as const] }
      const request = step++ === mutatedStep ? mutate(addressed, dice) : addressed
      const bytes = toBytes(request, "server")
      last = printed(bytes)
      this.#count(request.path, label, last)
      const answer = await this.#config.http.send(request)
      if (answer.status !== 0 || bytes.length <= readable) this.#look(answer, request.path, label, last)
      this.#time(answer, label, last, async () => (await this.#config.http.send(request)).millis)
      Learned.learn(this.#config.world, answer)
      return answer
    }
    return {
      world: this.#config.world,
      dice,
      send,
      report: (oracle, detail) => this.#report({ oracle, detail }, label, last)
    }
  }

  #count(path: string, { index, kind }: Label, request: string): void {
    this.requests += 1
    const bump = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
    bump(this.#paths, path)
    bump(this.kinds, kind)
    this.#recent.push(`${index} ${kind}: ${request.slice(0, 200)}`)
    if (this.#recent.length > 200) this.#recent.shift()
  }

  #look(answer: Answer, path: string | undefined, label: Label, request: string): void {
    const status = answer.status === 0 ? "none" : String(answer.status)
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    if (answer.status !== 0) this.millis.push(answer.millis)
    for (const broken of Oracles.check(answer, path)) {
      if (answer.status === 0) this.#unanswered.push({ ...broken, ...label, request })
      else this.#report(broken, label, request)
    }
  }

  #time({ millis, status }: Answer, label: Label, request: string, again: () => Promise<number>): void {
    if (status === 0 || millis <= Oracles.slowest) return
    const broken = { oracle: "time", detail: `took ${Math.round(millis)} ms` }
    if (this.#config.options.isStrict) this.#report(broken, label, request)
    else if (this.#late.length < mostLate) this.#late.push({ finding: { ...broken, ...label, request }, again })
  }

  /** Sends again what was answered late, one by one, and reports what is slow each time. */
  async confirmLate(): Promise<void> {
    for (const { again, finding } of this.#late.splice(0)) {
      const isKnown = this.findings.some(({ kind, oracle }) => oracle === finding.oracle && kind === finding.kind)
      if (!isKnown && (await Oracles.isAlwaysSlow(again))) this.#report(finding, finding, finding.request)
    }
  }

  /** Reports the requests that got no response, unless that is because the server died. */
  settle(hasDied: boolean): void {
    for (const finding of this.#unanswered.splice(0)) if (!hasDied) this.#report(finding, finding, finding.request)
  }
}
