/** What group commit saves, and what it never does: an answer that leaves before its flush. */
import { describe, expect, it } from "vitest"
import * as Flushes from "./scenarios/Flushes.js"
import * as Changed from "./support/Changed.js"
import * as Strace from "./support/Strace.js"

describe.runIf(Strace.missing === undefined)(Strace.named("the flushes to the disk"), () => {
  const refreshes = 60

  it("are one for each refresh when they come one by one, and few when they come at once", async () => {
    const { flushes, violations } = await Flushes.count({ refreshes, atOnce: [1, 30] })
    const [oneByOne, atOnce] = flushes
    expect(oneByOne).toBeGreaterThanOrEqual(refreshes)
    expect(atOnce).toBeLessThanOrEqual(refreshes / 2)
    expect(violations).toEqual([])
  })

  it("are one for each refresh that comes at once, too, where a batch is one write", async () => {
    const { many, one } = Flushes.batches
    const { flushes } = await Changed.using(many, one, (program) => Flushes.count({ refreshes, atOnce: [30], program }))
    expect(flushes[0]).toBeGreaterThanOrEqual(refreshes)
  })
})
