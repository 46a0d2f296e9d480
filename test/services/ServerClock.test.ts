/** The server's clock never goes back, whatever is done to the process's. */
import * as Clock from "effect/Clock"
import { describe, expect, it } from "vitest"
import { forward } from "../../src/services/ServerClock.js"

const minute = 60_000
const hour = 60 * minute

/** A clock that somebody sets, over one that nobody can. */
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
  it("is the process's while nobody sets it back", () => {
    const { now, pass, set } = settable()
    pass(7)
    expect(now()).toBe(1_000_000_007)
    set(hour)
    pass(1)
    expect(now()).toBe(1_003_600_008)
  })

  it("goes on from where it was when the process's is set back, half as fast", () => {
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

  it("is the process's again as soon as that is there", () => {
    const { now, pass, set } = settable()
    const before = now()
    set(-minute)
    pass(2 * minute)
    expect(now()).toBe(before + minute)
    pass(minute)
    expect(now()).toBe(before + 2 * minute)
  })

  it("does not go back with a clock that nobody should be able to set", () => {
    const { now, pass } = settable()
    const before = now()
    pass(-hour)
    expect(now()).toBe(before)
  })
})
