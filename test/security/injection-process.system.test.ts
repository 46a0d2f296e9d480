/** INJ: texts that a log, a file system or a shell could misread, against a launched server. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect } from "vitest"
import * as Strace from "../fault/support/Strace.js"
import { redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { everywhere } from "./support/Everywhere.js"
import { launched } from "./support/Launched.js"
import { send } from "./support/Raw.js"

const { check } = family()

const folder = mkdtempSync(join(tmpdir(), "latchkey-injection-"))
afterAll(() => rmSync(folder, { recursive: true }))

const injections = [
  "\r\nlevel=FATAL injected",
  "\u001b[31mred\u001b[0m",
  "$" + "{jndi:ldap://127.0.0.1:1/x}",
  "%s%n%d%s%n%d",
  "\u2028 and more"
]

check("INJ-06", "a line of the log is one JSON text, whatever a request holds", () =>
  launched(async ({ flows, output, server }) => {
    for (const text of injections) {
      const encoded = encodeURIComponent(text)
      const headers = { "User-Agent": "a\u001b[31m", Referer: "jndi:x", "X-Forwarded-For": "%s%n" }
      await send(server().port, { path: `/authorize?client_id=${encoded}&state=${encoded}`, headers })
      await flows.post("/token", { grant_type: text, client_id: text, scope: text })
      await flows.send(`/${encoded}`)
      await flows.register({ client_name: "An app", redirect_uris: [redirectUri] })
      const browser = flows.browser()
      const page = await browser.open(`${flows.issuer}/account`)
      await browser.submit(page, { fields: { username: text, password: text } })
    }
    expect(server().stderr()).not.toBe("")
    const lines = String(output().stderr).trimEnd().split("\n")
    for (const line of lines) expect(JSON.parse(line), line).toHaveProperty("message")
    expect(lines.join("\n")).not.toMatch(/\u001b|\$\{jndi|^level=FATAL/m)
  })
)

/** Sends texts to a traced server, and returns its system calls. */
const traced = async (payloads: ReadonlyArray<string>): Promise<string> => {
  const trace = join(folder, `trace-${payloads.length}`)
  const under = ["strace", "-D", "-f", "-qq", "-e", "trace=openat,open,execve,connect", "-o", trace]
  return launched(
    async ({ flows, server }) => {
      const before = readFileSync(trace, "utf8").length
      for (const payload of payloads) {
        for (const request of everywhere(payload, { Authorization: "Bearer x" })) {
          const { status } = await send(server().port, request)
          expect(status, `${request.path} ${payload}`).toBeLessThan(500)
        }
      }
      expect((await flows.send("/health")).status).toBe(200)
      return readFileSync(trace, "utf8").slice(before)
    },
    { under }
  )
}

const traversals = [
  "../../../../etc/passwd",
  "/etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "....//etc/passwd",
  "file:///etc/passwd"
]

check("INJ-07", "a path in a request opens no file", async () => {
  if (Strace.missing !== undefined) return
  const calls = await traced(traversals)
  expect(calls).not.toContain("passwd")
  expect(calls).not.toMatch(/\.\.\//)
})

check("INJ-08", "a command in a request starts no process", async () => {
  if (Strace.missing !== undefined) return
  const calls = await traced(["; touch /tmp/injected", "| id", "$(id)", "`id`", "&& id", "\n/bin/sh"])
  expect(calls).not.toMatch(/execve\(/)
})
