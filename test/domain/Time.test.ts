/** A token or row has expired at the instant of its end. */
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as fc from "fast-check"
import * as Time from "../../src/domain/Time.js"

const at = (millis: number) => DateTime.unsafeMake(millis)
const millis = fc.integer({ min: 0, max: 4_102_444_800_000 })

describe("time", () => {
  it("an instant is before an end until a millisecond before it", () => {
    fc.assert(fc.property(millis, (end) => Time.isBefore(at(end - 1), at(end)) && !Time.isBefore(at(end), at(end))))
  })

  it("an instant is within a window until a millisecond before its end; a window of zero contains no instant", () => {
    fc.assert(
      fc.property(millis, fc.integer({ min: 1, max: 10 ** 9 }), (start, length) => {
        const window = Duration.millis(length)
        expect(Time.isWithin(at(start), at(start), window)).toBe(true)
        expect(Time.isWithin(at(start + length - 1), at(start), window)).toBe(true)
        expect(Time.isWithin(at(start + length), at(start), window)).toBe(false)
        for (const now of [start - 1, start, start + 1]) {
          expect(Time.isWithin(at(now), at(start), Duration.zero)).toBe(false)
        }
      })
    )
  })

  it("a day begins at midnight in UTC", () => {
    const midnight = Date.UTC(2026, 5, 2)
    expect(Time.isSameDay(at(midnight), at(midnight + 86_399_999))).toBe(true)
    expect(Time.isSameDay(at(midnight - 1), at(midnight))).toBe(false)
    expect(Time.isSameDay(at(midnight), at(midnight + 86_400_000))).toBe(false)
  })

  it("the earlier of two ends counts, and remaining seconds are whole (RFC 6749 §5.1)", () => {
    expect(Time.endOf(at(1_000), Duration.millis(500), at(1_400)).epochMillis).toBe(1_400)
    expect(Time.endOf(at(1_000), Duration.millis(500), at(1_600)).epochMillis).toBe(1_500)
    expect([1_999, 2_000, 999, 1_000].map((end) => Time.secondsUntil(at(1_000), at(end)))).toEqual([0, 1, 0, 0])
  })
})
