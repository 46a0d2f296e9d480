/**
 * The built program with a fault for each oracle: it answers some paths wrongly, tells its secrets, and dies once. The
 * environment names the program, and the fault shows that the oracle can fail.
 */
import { subscribe } from "node:diagnostics_channel"
import { existsSync, writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"

/** @typedef {{ status: number, headers: Record<string, unknown>, body: string }} Answer */

/** Answers of a path that are changed. @type {Record<string, (answer: Answer) => Partial<Answer>>} */
const changes = {
  "/health": () => ({ status: 500 }),
  "/introspect": ({ body }) => ({ body: body.slice(0, -1) }),
  "/": ({ body }) => ({ body: `${body}<script>alert(1)</script>` }),
  "/.well-known/oauth-protected-resource": ({ headers }) => ({ headers: { ...headers, "x-content-type-options": "" } }),
  "/token": ({ body }) =>
    body.includes("invalid_grant")
      ? { status: 200, body: JSON.stringify({ access_token: "x", refresh_token: `${Math.random()}` }) }
      : {}
}

/** Returns headers by their names: a list has each name before its value. @param {ReadonlyArray<string>} list */
const recordOf = (list) => {
  /** @type {Record<string, Array<string>>} */
  const headers = {}
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] ?? ""
    headers[name] = [...(headers[name] ?? []), list[i + 1] ?? ""]
  }
  return headers
}

/** @type {Array<Buffer>} */
const kept = []
let requests = 0

/** @param {import("node:http").IncomingMessage} request @param {string} path */
const misbehave = (request, path) => {
  requests += 1
  if (path === "/introspect" && request.headers.authorization !== undefined)
    process.stderr.write(`${JSON.stringify({ logLevel: "INFO", message: request.headers.authorization })}\n`)
  if (path === "/mcp") void Promise.reject(new Error("lost"))
  // 64 times 10 MiB.
  if (path === "/token" && kept.length < 64) kept.push(Buffer.alloc(10 * 1024 * 1024, 1))
  if (requests > 60 && !existsSync("died")) {
    writeFileSync("died", "")
    setImmediate(() => {
      throw new Error("the server dies of this")
    })
  }
}

process.on("unhandledRejection", (error) => process.stderr.write(`unhandled rejection: ${error}\n`))

subscribe("http.server.request.start", (message) => {
  const { request, response } =
    /** @type {{ request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse }} */ (
      message
    )
  const [path = ""] = (request.url ?? "").split("?")
  misbehave(request, path)
  const change = changes[path]
  const { end, writeHead } = response
  /** @type {Pick<Answer, "status" | "headers"> | undefined} */
  let head
  response.writeHead = (/** @type {number} */ status, /** @type {any} */ headers) => {
    head = { status, headers: Array.isArray(headers) ? recordOf(headers) : headers }
    return response
  }
  response.end = (/** @type {any} */ given) => {
    const body = typeof given === "string" || given instanceof Uint8Array ? given : ""
    const answer = { status: 200, headers: {}, ...head, body: Buffer.from(body).toString() }
    const changed = change === undefined || request.method === "HEAD" ? answer : { ...answer, ...change(answer) }
    const sent = change === undefined ? body : changed.body
    const length = request.method === "HEAD" ? {} : { "content-length": Buffer.byteLength(sent) }
    const send = () => {
      writeHead.call(response, changed.status, { ...changed.headers, ...length })
      end.call(response, sent, "utf8")
    }
    if (path === "/revoke") setTimeout(send, 1300)
    else send()
    return response
  }
})

await import(pathToFileURL(process.env.FAULTY_PROGRAM ?? "").href)
