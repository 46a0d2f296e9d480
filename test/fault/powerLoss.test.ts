/**
 * Loss of power: strace records a server under load, and the test rebuilds the database as of each moment. It must have every
 * write that was acknowledged by then. A server that does not wait for the disk must fail, or the test proves nothing.
 */
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import * as Races from "./scenarios/Races.js"
import * as Changed from "./support/Changed.js"
import { placeOf } from "./support/Checker.js"
import { Clients } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import * as DiskTrace from "./support/DiskTrace.js"
import { History } from "./support/History.js"
import { ofSqlite } from "./support/Snapshot.js"
import * as Strace from "./support/Strace.js"

/** A log that is merged every few writes, on the thread that merges it. */
const oftenMerged = {
  "mergedPages=2e3": "mergedPages=8",
  "lookEvery=250": "lookEvery=2",
  "mergedPages2=4*mergedPages": "mergedPages2=0"
}

/** The grants of a database, and none if it cannot be read. */
const contentOf = (path: string): Pick<ReturnType<typeof ofSqlite>, "grants" | "integrity"> => {
  try {
    return ofSqlite(path)
  } catch (cause) {
    return { grants: new Map(), integrity: String(cause) }
  }
}

/** The acknowledged writes that a loss of power would lose, the number of checked moments, and of merges on the thread. */
const lostBy = async (changes: Readonly<Record<string, string>> = {}) => Changed.using(changes, losing)

const losing = async (program: string) => {
  const cluster = await Cluster.start({ nodes: 1, program })
  try {
    const clients = new Clients({ ...cluster, history: new History() })
    const person = await clients.logIn()
    const client = await Races.allowedClient(clients, person)
    const held = [...(await Races.times(8, () => Races.grant(clients, client, person)))]
    const trace = join(cluster.folder, "trace")
    const paths = [cluster.database, `${cluster.database}-wal`]
    const strace = await Strace.attach(cluster.server(0).pid, trace, DiskTrace.straceArguments)
    // No write happens meanwhile, so there is no new response.
    const files = new Map<string, Buffer>()
    for (const path of paths) files.set(path, await readFile(path))
    await Races.times(8, async (index) => {
      for (let i = 0; i < 8; i++) {
        const [tokens] = Races.tokensOf(await clients.refresh(client, Races.must(held[index]).refresh))
        held[index] = Races.must(tokens)
      }
    })
    await Races.times(8, () => Races.grant(clients, client, person))
    // After this response all earlier calls are complete in the trace.
    await clients.fetch("/health")
    await strace.detach()

    const steps = DiskTrace.parse(await readFile(trace, "utf8"))
    const main = String(cluster.server(0).pid)
    const merges = steps.filter(
      (step) => step.did === "flushed" && step.path === cluster.database && step.thread !== main
    ).length
    const lost = new Set<string>()
    let losses = 0
    let told: ReadonlyArray<string> = []
    const copy = join(cluster.folder, "copy.db")
    for (const { files: left, said } of DiskTrace.losses(files, steps)) {
      losses++
      await writeFile(copy, left.get(cluster.database) ?? "")
      await writeFile(`${copy}-wal`, left.get(`${cluster.database}-wal`) ?? "")
      await rm(`${copy}-shm`, { force: true })
      const { grants, integrity } = contentOf(copy)
      if (integrity !== "ok") lost.add(`the file: ${integrity}`)
      told = Array.from(said.matchAll(/lk_rt_[A-Za-z0-9_.-]+/g), ([token]) => token)
      for (const token of told) {
        const { generation, grant } = placeOf(token)
        if ((grants.get(grant)?.generation ?? 0) < generation) lost.add(`${grant}.${generation}`)
      }
    }
    return { lost: [...lost], losses, merges, told: told.length }
  } finally {
    await cluster.stop()
  }
}

describe.runIf(Strace.missing === undefined)(Strace.named("when the power fails at any moment"), () => {
  it("a loss of power loses no acknowledged write", async () => {
    const { lost, losses, told } = await lostBy()
    expect({ lost, told }).toEqual({ lost: [], told: 72 })
    expect(losses).toBeGreaterThan(8)
  })

  it("a loss of power during a merge of the log loses no acknowledged write", async () => {
    const { lost, merges, told } = await lostBy(oftenMerged)
    expect({ lost, told }).toEqual({ lost: [], told: 72 })
    expect(merges).toBeGreaterThan(1)
  })

  it("a server that does not wait for the disk fails the same check", async () => {
    const { lost } = await lostBy({ "synchronous = FULL": "synchronous = OFF" })
    expect(lost).not.toEqual([])
  })

  it("a merge that does not wait for the disk fails the same check", async () => {
    const { lost } = await lostBy({ ...oftenMerged, 'pragma("synchronous = FULL")': 'pragma("synchronous = OFF")' })
    expect(lost).not.toEqual([])
  })
})
