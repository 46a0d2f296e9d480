/** A thief who rotates a stolen refresh token again and again. */
import { describe, expect } from "@effect/vitest"
import { outcome, test } from "../flow/support/Server.js"

/** Number of rotations: more than the chain is followed forward. `npm run faults -- races` does ten thousand. */
const rotations = 300

describe("a thief who rotates again and again does not escape detection", () => {
  // At once, which is one burst; and with pauses of many windows.
  for (const [how, pause] of [
    ["in a moment", 0],
    ["for hours", 1000]
  ] as const) {
    test(how, async (server) => {
      const client = await server.register()
      const victim = await server.tokens(client)
      let loot = victim
      for (let i = 0; i < rotations; i++) {
        const answer = await server.refresh(client, loot.refresh_token)
        loot = (await answer.json()) as typeof loot
        if (pause > 0) await server.advance(pause)
      }
      expect(loot.refresh_token).toContain(`.${rotations + 1}.`)
      expect(await outcome(server.call(loot.access_token))).toBe("200")

      expect(await outcome(server.refresh(client, victim.refresh_token))).toBe("400 invalid_grant")
      expect(await outcome(server.refresh(client, loot.refresh_token))).toBe("400 invalid_grant")
      expect(await outcome(server.call(loot.access_token))).toBe("401 invalid_token")
    })
  }
})
