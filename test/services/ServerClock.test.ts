/** The server's clock never goes back, even if the clock of the process does. */
import * as Clock from "effect/Clock"
import { describe, expect, it } from "vitest"
import { forward } from "../../src/services/ServerClock.js"

const minute = 60_000
const hour = 60 * minute

/** A clock with a settable wall time and a steady time that is never set. */
const settable = () => {
  const hands = { wall: 1_000_000_000, steady: 5 }
  const clock: Clock.Clock = {
    ...Clock.make(),
    unsafeCurrentTimeMillis: () => hands.wall,
    unsafeCurrentTimeNanos: () => BigInt(hands.steady) * 1_000_000n
  }
  const server = forward(clock)
  return {
    now: () => server.unsafeCurrentTimeMillis(),
    pass: (millis: number) => {
      hands.wall += millis
      hands.steady += millis
    },
    set: (millis: number) => {
      hands.wall += millis
    }
  }
}

describe("the server's clock", () => {
  it("the server's clock follows the clock of the process while that is not set back", () => {
    const { now, pass, set } = settable()
    pass(7)
    expect(now()).toBe(1_000_000_007)
    set(hour)
    pass(1)
    expect(now()).toBe(1_003_600_008)
  })

  it("the server's clock continues at half speed when the clock of the process is set back", () => {
    const { now, pass, set } = settable()
    const before = now()
    set(-hour)
    expect(now()).toBe(before)
    pass(minute)
    expect(now()).toBe(before + minute / 2)
    for (let i = 0; i < 60; i++) {
      pass(1001)
      now()
    }
    expect(now()).toBe(before + minute / 2 + 30 * 1001)
  })

  it("the server's clock follows the clock of the process again as soon as that has caught up", () => {
    const { now, pass, set } = settable()
    const before = now()
    set(-minute)
    pass(2 * minute)
    expect(now()).toBe(before + minute)
    pass(minute)
    expect(now()).toBe(before + 2 * minute)
  })

  it("the server's clock does not go back even if the steady time does", () => {
    const { now, pass } = settable()
    const before = now()
    pass(-hour)
    expect(now()).toBe(before)
  })
})
