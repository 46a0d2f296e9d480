/** Sends requests over node:http with keep-alive, and measures how long each response takes. */
import { Agent, request as send } from "node:http"
import type { Answer } from "./Answer.js"
import { type Pairs, type Request, toSendable } from "./Request.js"

/** Where requests go. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** Responses that take longer than this are no longer awaited, in milliseconds. */
export const patience = 20_000

export class Http {
  readonly #agent: Agent
  readonly #target: Target

  constructor(target: Target, sockets: number) {
    this.#target = target
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets })
  }

  close(): void {
    this.#agent.destroy()
  }

  /** Answers with status 0 when no response came. */
  async send(request: Request): Promise<Answer> {
    const first = await this.#try(request)
    // The server may close an idle connection while a request is on its way: that request was not read.
    return first.wasIdle ? (await this.#try(request)).answer : first.answer
  }

  #try(request: Request): Promise<{ readonly answer: Answer; readonly wasIdle: boolean }> {
    const { body, headers, method, target } = toSendable(request)
    return new Promise((resolve) => {
      let startedAt = performance.now()
      const failed = (failure: string, wasIdle = false) =>
        resolve({
          answer: { status: 0, headers: [], body: "", millis: performance.now() - startedAt, failure },
          wasIdle
        })
      const raw = [...headers, ...(body.length > 0 ? [["content-length", String(body.length)] as const] : [])]
      const named = raw.some(([name]) => name === "host")
        ? raw
        : [["host", `${this.#target.host}:${this.#target.port}`], ...raw]
      const sent = send({
        ...this.#target,
        method,
        path: target,
        agent: this.#agent,
        headers: named.flat() as unknown as Record<string, string>
      })
      sent.setTimeout(patience, () => sent.destroy(new Error(`no response within ${patience} ms`)))
      sent.once("socket", () => {
        startedAt = performance.now()
      })
      sent.once("response", (message) => {
        const chunks: Array<Buffer> = []
        message.on("data", (chunk: Buffer) => chunks.push(chunk))
        message.once("error", (error) => failed(String(error)))
        message.once("close", () => {
          if (!message.complete) return failed("the response was cut off")
          const answer = {
            status: message.statusCode ?? 0,
            headers: toPairs(message.rawHeaders),
            body: Buffer.concat(chunks).toString(),
            millis: performance.now() - startedAt
          }
          return resolve({ answer, wasIdle: false })
        })
      })
      sent.once("error", (error: NodeJS.ErrnoException) =>
        failed(error.message, sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE"))
      )
      sent.end(body)
    })
  }
}

const toPairs = (rawHeaders: ReadonlyArray<string>): Pairs =>
  rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""] as const] : []))
