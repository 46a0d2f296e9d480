/** The flushes that group commit saves. No response is sent before its flush. */
import { describe, expect, it } from "vitest"
import * as Flushes from "./scenarios/Flushes.js"
import * as Changed from "./support/Changed.js"
import * as Strace from "./support/Strace.js"

describe.runIf(Strace.missing === undefined)(Strace.named("the flushes to the disk"), () => {
  const refreshes = 60

  it("sequential refreshes have one flush each, and concurrent refreshes share flushes", async () => {
    const { flushes, violations } = await Flushes.count({ refreshes, atOnce: [1, 30] })
    const [oneByOne, atOnce] = flushes
    expect(oneByOne).toBeGreaterThanOrEqual(refreshes)
    expect(atOnce).toBeLessThanOrEqual(refreshes / 2)
    expect(violations).toEqual([])
  })

  it("concurrent refreshes have one flush each if a batch has one write", async () => {
    const { many, one } = Flushes.batches
    const { flushes } = await Changed.using({ [many]: one }, (program) =>
      Flushes.count({ refreshes, atOnce: [30], program })
    )
    expect(flushes[0]).toBeGreaterThanOrEqual(refreshes)
  })
})
