/** Counts by strace the flushes to the disk for a number of refreshes. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { check } from "../support/Checker.js"
import { Clients } from "../support/Clients.js"
import * as Cluster from "../support/Cluster.js"
import { History } from "../support/History.js"
import * as Strace from "../support/Strace.js"
import * as Races from "./Races.js"

/** The text of the built program with the batch size, and its replacement with one write in a batch. */
export const batches = { many: "maxBatch=64", one: "maxBatch=1" } as const

/** Refreshes grants, with each concurrency of `atOnce`, and counts the flushes. */
export const count = async (size: {
  readonly refreshes: number
  readonly atOnce: ReadonlyArray<number>
  readonly program?: string
}) => {
  const cluster = await Cluster.start({ nodes: 1, ...(size.program && { program: size.program }) })
  try {
    const clients = new Clients({ ...cluster, history: new History() })
    const person = await clients.logIn()
    const client = await Races.allowedClient(clients, person)
    const grants = Array.from({ length: size.refreshes })
    let held = await Races.inTurns(grants, 64, () => Races.grant(clients, client, person))

    const flushes: Array<number> = []
    for (const atOnce of size.atOnce) {
      const file = join(cluster.folder, `flushes-${atOnce}`)
      const strace = await Strace.attach(cluster.server(0).pid, file, ["-f", "-e", "trace=fsync,fdatasync"])
      held = await Races.inTurns(held, atOnce, async ({ refresh }) => {
        const [tokens] = Races.tokensOf(await clients.refresh(client, refresh))
        return Races.must(tokens)
      })
      await strace.detach()
      flushes.push((await readFile(file, "utf8")).split("\n").filter((line) => /f(data)?sync\(/.test(line)).length)
    }
    return { flushes, violations: check(clients.history.entries, cluster.settings) }
  } finally {
    await cluster.stop()
  }
}
