/**
 * Failures of the disk and locks of other processes while the server runs. No response confirms a write that failed, no valid
 * token is refused, and the server recovers without a restart.
 */
import { spawnSync } from "node:child_process"
import { mkdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import * as Races from "./scenarios/Races.js"
import { check } from "./support/Checker.js"
import { type Client, Clients, type Person } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History, type Tokens } from "./support/History.js"
import { ofSqlite } from "./support/Snapshot.js"
import * as Strace from "./support/Strace.js"

let cluster: Cluster.Cluster
let clients: Clients
let person: Person
let client: Client
let held: Tokens

const mayMount = process.getuid?.() === 0 && spawnSync("mount", ["--version"]).status === 0

/** If the test may mount a file system, the database is on its own small disk. */
const disk = (folder: string) => join(folder, "data")
const smallDisk: Partial<Cluster.Options> = {
  prepare: async (folder) => {
    await mkdir(disk(folder), { mode: 0o700 })
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=700", "latchkey-test", disk(folder)])
  },
  cleanUp: async (folder) => spawnSync("umount", [disk(folder)])
}

beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 1, ...(mayMount ? smallDisk : {}) })
  clients = new Clients({ ...cluster, history: new History() })
  person = await clients.logIn()
})
afterAll(() => cluster?.stop())
beforeEach(async () => {
  clients.history = new History()
  client = await Races.allowedClient(clients, person)
  held = await Races.grant(clients, client, person)
})
afterEach(() => {
  const { integrity, ...snapshot } = ofSqlite(cluster.database)
  expect(integrity).toBe("ok")
  expect(check(clients.history.entries, cluster.settings, snapshot)).toEqual([])
})

/** A refresh as an HTTP request. */
const refresh = async () => {
  const { id, secret } = client
  const body = { grant_type: "refresh_token", refresh_token: held.refresh, client_id: id, client_secret: secret }
  const response = await clients.fetch("/token", { method: "POST", body: new URLSearchParams(body) })
  const { error } = (await response.json()) as { readonly error?: string }
  return { status: response.status, error, retryAfter: response.headers.get("retry-after") }
}

const unavailable = { status: 503, error: "temporarily_unavailable", retryAfter: expect.stringMatching(/^[1-9]\d*$/) }

describe("a lock that another process holds", () => {
  it("writes wait for a lock and then get 503, reads are answered, and all requests succeed after the lock is released", async () => {
    const other = new Sqlite(cluster.database)
    other.exec("begin exclusive")
    let isAnswered = false
    const waiting = refresh().finally(() => {
      isAnswered = true
    })
    // If the driver waited, none of these would be answered before the write.
    for (let i = 0; i < 20; i++) expect(await clients.use(client, held.access)).toEqual({ type: "ok", answer: {} })
    expect(isAnswered).toBe(false)
    expect(await waiting).toEqual(unavailable)
    other.exec("rollback")
    other.close()
    expect(await refresh()).toMatchObject({ status: 200 })
  })
})

describe.runIf(mayMount)(mayMount ? "a full disk" : "a full disk (left out: only root may mount a small one)", () => {
  it("on a full disk writes and revocations get 503, reads are answered, and all requests succeed after space is freed", async () => {
    const filler = join(disk(cluster.folder), "filler")
    await writeFile(filler, Buffer.alloc(64 << 20)).catch(() => {})
    // The log still has space for a while.
    for (let i = 0; ; i++) {
      const outcome = await clients.refresh(client, held.refresh)
      expect(outcome.type).not.toBe("fail")
      if (outcome.type === "unknown") break
      held = Races.must(Races.tokensOf(outcome)[0])
      expect(i).toBeLessThan(5000)
    }
    expect(await refresh()).toEqual(unavailable)
    expect((await clients.fetch("/.well-known/oauth-authorization-server")).status).toBe(200)
    expect(await clients.use(client, held.access)).toMatchObject({ type: "ok" })
    expect(await clients.giveBack(client, held.refresh)).toEqual({ type: "unknown" })
    expect(await clients.use(client, held.access)).toMatchObject({ type: "ok" })

    // There is space for one small write only, so the server must not be ready.
    await truncate(filler, (await stat(filler)).size - (16 << 10))
    for (let i = 0; i < 5; i++) expect((await clients.fetch("/ready")).status).toBe(503)
    const begun = cluster.server(0).stderr()
    expect(begun.match(/"logLevel":"ERROR"/g)).toHaveLength(1)
    const parts = ["database failed, server is not ready", '"code":"SQLITE_FULL"', "the disk is full: free space on it"]
    for (const part of parts) expect(begun).toContain(part)
    expect(begun).not.toMatch(/^\s+at |\\n\s+at /m)

    await rm(filler)
    await vi.waitFor(() => expect(cluster.server(0).stderr()).toMatch(/stores writes again/), 5_000)
    expect((await clients.fetch("/ready")).status).toBe(200)
    expect(
      cluster
        .server(0)
        .stderr()
        .match(/database failed, server is not ready|stores writes again/g)
    ).toHaveLength(2)
    const [next] = Races.tokensOf(await clients.refresh(client, held.refresh))
    expect(await clients.use(client, Races.must(next).access)).toMatchObject({ type: "ok" })
    expect(await clients.giveBack(client, Races.must(next).refresh)).toMatchObject({ type: "ok" })
    expect(await clients.use(client, Races.must(next).access)).toMatchObject({ type: "fail" })
  })
})

describe.runIf(Strace.missing === undefined)(Strace.named("an error of the disk"), () => {
  it.each([
    { calls: "fdatasync,fsync", error: "EIO" },
    { calls: "pwrite64", error: "EIO" },
    { calls: "pwrite64", error: "ENOSPC" },
    // Files are opened only after a failed flush, when the connection is closed and opened again.
    { calls: "openat", error: "EMFILE", before: ["-e", "inject=fsync,fdatasync:error=EIO:when=1"] }
  ])(
    "in $calls ($error), one call after another until none is left: done or not done, and never invalid",
    async (each) => {
      const { before = [], calls, error } = each
      const hit = new RegExp(`^(${calls.replace(",", "|")})\\(.*\\(INJECTED\\)$`, "m")
      const wasHit: Array<boolean> = []
      let failures = 0
      do {
        const code = Races.must(await clients.visit(client, person))
        const file = join(cluster.folder, "injected")
        const nth = wasHit.length + 1
        const inject = ["-e", `inject=${calls}:error=${error}:when=${nth}`]
        const trace = ["-e", `trace=${calls},fsync,fdatasync`]
        const strace = await Strace.attach(cluster.server(0).pid, file, [...trace, ...before, ...inject])
        const both = await Promise.all([clients.redeem(client, code), clients.refresh(client, held.refresh)])
        const outcomes = [...both, await clients.refresh(client, held.refresh)]
        await strace.detach()
        wasHit.push(hit.test(await readFile(file, "utf8")))
        for (const outcome of outcomes) {
          expect(outcome.type).not.toBe("fail")
          if (outcome.type === "unknown") failures++
        }
        // Without a restart the retry is answered with the valid token.
        ;[held] = Races.tokensOf(await clients.refresh(client, held.refresh)) as [Tokens]
        expect(await clients.use(client, held.access)).toMatchObject({ type: "ok" })
        if (both[0].type === "unknown") await clients.redeem(client, code)
      } while (wasHit.at(-1))
      expect(wasHit.length).toBeGreaterThan(1)
      expect(failures).toBeGreaterThan(0)
    }
  )

  it("on a read-only disk writes and revocations get 503, reads are answered, and all requests succeed afterwards", async () => {
    // A file system becomes read-only after an error, also for open files.
    const calls = "pwrite64,ftruncate,fsync,fdatasync,openat"
    const paths = ["", "-wal", "-shm"].flatMap((suffix) => ["-P", `${cluster.database}${suffix}`])
    const inject = ["-e", `trace=${calls}`, "-e", `inject=${calls}:error=EROFS`]
    const strace = await Strace.attach(cluster.server(0).pid, "/dev/null", [...paths, ...inject])
    for (let i = 0; i < 3; i++) {
      expect(await refresh()).toEqual(unavailable)
      expect(await clients.giveBack(client, held.refresh)).toEqual({ type: "unknown" })
      expect(await clients.use(client, held.access)).toMatchObject({ type: "ok" })
      expect((await clients.fetch("/ready")).status).toBe(503)
    }
    await strace.detach()
    // Also while no other request writes.
    expect((await clients.fetch("/ready")).status).toBe(200)
    expect(await refresh()).toMatchObject({ status: 200 })
    expect(await clients.giveBack(client, held.refresh)).toMatchObject({ type: "ok" })
    expect(await clients.use(client, held.access)).toMatchObject({ type: "fail" })
  })
})

describe("pages that are damaged while the server runs", () => {
  it("damaged pages cause 503 for requests that need them, refuse no valid token, and are fine after a restore", async () => {
    const code = Races.must(await clients.visit(client, person))
    const other = new Sqlite(cluster.database)
    other.pragma("wal_checkpoint(TRUNCATE)")
    const pageSize = Number(other.pragma("page_size", { simple: true }))
    other.close()
    const sound = await readFile(cluster.database)
    const damaged = Buffer.alloc(sound.length, 0xa5)
    sound.copy(damaged, 0, 0, pageSize)
    // In place, because the server has the file open.
    await writeFile(cluster.database, damaged, { flag: "r+" })
    try {
      for (let i = 0; i < 3; i++) {
        expect(await refresh()).toEqual(unavailable)
        expect(await clients.use(client, held.access)).toEqual({ type: "unknown" })
        expect(await clients.redeem(client, code)).toEqual({ type: "unknown" })
        expect(await clients.giveBack(client, held.refresh)).toEqual({ type: "unknown" })
      }
      expect((await clients.fetch("/ready")).status).toBe(503)
    } finally {
      await cluster.kill(0)
      await writeFile(cluster.database, sound, { flag: "r+" })
    }
    await cluster.restart(0)
    expect(await clients.use(client, held.access)).toMatchObject({ type: "ok" })
    expect(await refresh()).toMatchObject({ status: 200 })
    expect(await clients.redeem(client, code)).toMatchObject({ type: "ok" })
  })
})
