/**
 * kill -9 at any moment of redemption, refresh, registration and consent. This file plays a few
 * rounds; `npm run faults -- crashes --rounds 1000` plays any number and prints the table.
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

  it.each(Crashes.kinds)(
    "kill -9 in %s loses no acknowledged write, forks no grant, and leaves a sound file",
    async (kind) => {
      const round = await lane.round(kind, 150)
      expect(round).toMatchObject({ violations: [], integrity: "ok" })
      expect(round.acknowledged).toBeGreaterThan(0)
      // A refresh is retried. If a code was spent without a response, the user authorizes again.
      expect(round.loggedInAgain).toBeLessThanOrEqual(kind === "redemption" ? round.inFlight : 0)
    }
  )
})
