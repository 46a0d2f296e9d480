/** What group commit saves, and what it never does: an answer that leaves before its flush. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Races from "./scenarios/Races.js"
import { check } from "./support/Checker.js"
import { Clients } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History } from "./support/History.js"
import * as Strace from "./support/Strace.js"

describe.runIf(Strace.missing === undefined)(Strace.named("the flushes to the disk"), () => {
  let cluster: Cluster.Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
  })
  afterAll(() => cluster?.stop())

  it("are one for each refresh when they come one by one, and few when they come at once", async () => {
    const grants = 100
    const clients = new Clients({ ...cluster, history: new History() })
    const person = await clients.logIn()
    const client = await Races.allowedClient(clients, person)
    let held = await Races.times(grants, () => Races.grant(clients, client, person))

    /** Refreshes every grant, so many at a time, and counts the flushes. */
    const flushes = async (atOnce: number) => {
      const file = join(cluster.folder, `flushes-${atOnce}`)
      const strace = await Strace.attach(cluster.server(0).pid, file, ["-e", "trace=fsync,fdatasync"])
      held = await Races.inTurns(held, atOnce, async ({ refresh }) => {
        const [tokens] = Races.tokensOf(await clients.refresh(client, refresh))
        return Races.must(tokens)
      })
      await strace.detach()
      return (await readFile(file, "utf8")).split("\n").filter((line) => /f(data)?sync\(/.test(line)).length
    }

    expect(await flushes(1)).toBeGreaterThanOrEqual(grants)
    expect(await flushes(50)).toBeLessThanOrEqual(grants / 2)
    expect(check(clients.history.entries, cluster.settings)).toEqual([])
  })
})
