/** Requests of any method, to a port of loopback: fetch sends no TRACE. */
import { METHODS, request } from "node:http"

/** Every method that Node parses, but CONNECT, which has no path. */
export const methods = METHODS.filter((method) => method !== "CONNECT")

export interface Answer {
  readonly status: number
  readonly allow: string | undefined
  readonly body: string
}

/** Sends a request without a body, on a connection of its own. */
export const send = (
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {}
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", method, path, headers: { connection: "close", ...headers } }, (answer) => {
      let body = ""
      answer.setEncoding("utf8").on("data", (text: string) => (body += text))
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, allow: answer.headers.allow, body }))
    })
      .on("error", reject)
      .end()
  })
