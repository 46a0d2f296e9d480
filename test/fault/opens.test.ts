/** A start while a file of the database cannot be opened is refused in one line, or the server works. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../support/Cli.js"
import * as Strace from "./support/Strace.js"

describe.runIf(Strace.missing === undefined)(Strace.named("a start without a file descriptor to spare"), () => {
  let env: Readonly<Record<string, string>>
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  beforeAll(async () => {
    folder = await Cli.temporaryFolder()
    env = { LATCHKEY_PORT: String(await Cli.freePort()) }
    await (await Cli.startServer({ folder: folder.path, env })).stop()
  })
  afterAll(() => folder?.remove())

  /** Whether a client can register, which is a write. */
  const register = async (url: string) => {
    const body = JSON.stringify({ redirect_uris: ["https://client.example/callback"] })
    const headers = { "content-type": "application/json" }
    return (await fetch(`${url}/register`, { method: "POST", headers, body })).status
  }

  // Every third open of the database, its log and its index, so that each kind fails once.
  it("a start without a free file descriptor is refused in one line, or the server writes", async () => {
    const database = join(folder.path, "data", "latchkey.db")
    const paths = ["", "-wal", "-shm"].flatMap((suffix) => ["-P", `${database}${suffix}`])
    let refusals = 0
    for (let nth = 1; ; nth += 3) {
      const trace = join(folder.path, `trace-${nth}`)
      const inject = ["-e", "trace=openat", "-e", `inject=openat:error=EMFILE:when=${nth}`]
      const under = ["strace", "-D", "-o", trace, ...paths, ...inject]
      const started = await Cli.startServer({ folder: folder.path, env, under }).catch(String)
      if (typeof started === "string") {
        refusals++
        expect(started).toMatch(/ended with 1; it said:\nlatchkey: [^\n]*latchkey\.db: [^\n]*\n$/)
      } else {
        // A connection that was opened read-only is opened again.
        expect([201, 503]).toContain(await register(started.url))
        expect(await register(started.url)).toBe(201)
        await started.stop()
      }
      if (!(await readFile(trace, "utf8")).includes("INJECTED")) break
    }
    expect(refusals).toBeGreaterThan(1)
  })
})
