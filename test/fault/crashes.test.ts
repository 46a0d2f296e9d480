/**
 * kill -9 at any moment of redemption, refresh, registration and consent. A few rounds here;
 * `npm run faults -- crashes --rounds 1000` plays as many as one likes, and prints the table.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Crashes from "./scenarios/Crashes.js"
import { seeded } from "./support/Seeded.js"

describe("kill -9 on SQLite", () => {
  let lane: Crashes.Lane
  beforeAll(async () => {
    lane = await Crashes.start(seeded(1))
  })
  afterAll(() => lane?.stop())

  it.each(Crashes.kinds)("in %s: nothing acknowledged is lost, nothing is forked, the file is sound", async (kind) => {
    const round = await lane.round(kind, 150)
    expect(round).toMatchObject({ violations: [], integrity: "ok" })
    expect(round.acknowledged).toBeGreaterThan(0)
    // A refresh is retried; a code that was spent without an answer sends its person there once more.
    expect(round.loggedInAgain).toBeLessThanOrEqual(kind === "redemption" ? round.inFlight : 0)
  })
})
