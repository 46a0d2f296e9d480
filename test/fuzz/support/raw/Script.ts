/** What happens on one raw connection: written, waited for, and how it ends. */
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { Answer } from "../Answer.js"
import type { Target } from "../Http.js"
import { responses } from "./ResponseReader.js"

export type Step =
  | { readonly write: Buffer }
  | { readonly pauseMillis: number }
  /** Goes on when a whole response is there, or after so many milliseconds. */
  | { readonly awaitMillis: number; readonly what: "byte" | "response" }
  /** Closes our half. */
  | { readonly end: true }
  /** Ends the connection with RST. */
  | { readonly reset: true }

export interface Script {
  readonly name: string
  readonly steps: ReadonlyArray<Step>
  /** Responses that must come, whatever these are. */
  readonly answers: number
}

/** Longest wait for a response that must come, in milliseconds. */
const patience = 20_000

/** Wait for a response that need not come, in milliseconds. */
export const grace = 40

class Connection {
  readonly #socket: Socket
  readonly #chunks: Array<Buffer> = []
  readonly #listeners = new Set<() => void>()
  #closed = false
  failure: string | undefined

  constructor(target: Target) {
    // The peer may end its half first: what is still to be written is written.
    this.#socket = connect({ ...target, allowHalfOpen: true })
    this.#socket.setNoDelay(true)
    this.#socket.on("data", (chunk) => this.#changed(() => this.#chunks.push(chunk)))
    this.#socket.on("error", (error) => this.#changed(() => (this.failure = error.message)))
    for (const event of ["end", "close"]) this.#socket.on(event, () => this.#changed(() => (this.#closed = true)))
  }

  #changed(change: () => unknown): void {
    change()
    for (const listener of this.#listeners) listener()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get responses() {
    return responses(this.bytes, this.#closed)
  }

  /** Waits until this is so, the connection is over, or the time is. */
  async until(isSo: () => boolean, millis: number): Promise<void> {
    if (isSo() || this.#closed) return
    const controller = new AbortController()
    const listener = () => {
      if (isSo() || this.#closed) controller.abort()
    }
    this.#listeners.add(listener)
    await sleep(millis, undefined, { signal: controller.signal }).catch(() => {})
    this.#listeners.delete(listener)
  }

  async play(step: Step): Promise<void> {
    if ("write" in step) this.#socket.write(step.write)
    else if ("pauseMillis" in step) await sleep(step.pauseMillis)
    else if ("end" in step) this.#socket.end()
    else if ("reset" in step) this.#socket.resetAndDestroy()
    else {
      const isThere = () => (step.what === "byte" ? this.#chunks.length > 0 : this.responses.length > 0)
      await this.until(isThere, step.awaitMillis)
    }
  }

  connected(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("connect", resolve)
      this.#socket.once("error", () => resolve())
    })
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/** Plays a script on a connection of its own; answers with the responses that came. */
export const play = async ({ answers, steps }: Script, target: Target): Promise<ReadonlyArray<Answer>> => {
  const connection = new Connection(target)
  await connection.connected()
  for (const step of steps) await connection.play(step)
  const startedAt = performance.now()
  const enough = () => connection.responses.length >= Math.max(1, answers)
  await connection.until(enough, answers > 0 ? patience : grace)
  const millis = performance.now() - startedAt
  const found = connection.responses.map((response) => ({ ...response, millis }))
  const failure = connection.failure ?? `${found.length} of ${answers} responses came`
  connection.destroy()
  return found.length >= answers ? found : [...found, { status: 0, headers: [], body: "", millis, failure }]
}
