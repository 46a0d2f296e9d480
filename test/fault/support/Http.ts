/** `fetch` with `node:http`. It follows no redirect and needs a quarter of the time, so that the load is on the servers. */
import { Agent, request } from "node:http"

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: URLSearchParams | string
  readonly signal?: AbortSignal
}

const form = "application/x-www-form-urlencoded;charset=UTF-8"

export const send = (url: string, { body, headers = {}, method = "GET", signal }: Sent = {}): Promise<Response> =>
  new Promise((resolve, reject) => {
    const type = body instanceof URLSearchParams ? { "content-type": form } : {}
    const sent = request(
      url,
      { method, agent, headers: { ...type, ...headers }, ...(signal && { signal }) },
      (message) => {
        const chunks: Array<Buffer> = []
        message.on("data", (chunk: Buffer) => chunks.push(chunk))
        message.once("error", reject)
        message.once("end", () => {
          const all = new Headers()
          for (let i = 0; i < message.rawHeaders.length; i += 2) {
            all.append(message.rawHeaders[i] ?? "", message.rawHeaders[i + 1] ?? "")
          }
          const status = message.statusCode ?? 0
          const content = [204, 304].includes(status) ? null : Buffer.concat(chunks)
          resolve(new Response(content, { status, headers: all }))
        })
        // An incomplete response is no response.
        message.once("close", () => reject(new Error("the answer was cut off")))
      }
    )
    sent.once("error", reject)
    sent.end(body?.toString())
  })
