/** The bounds of the settings, to the millisecond. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { defaultLifetimes, type Lifetimes, objections } from "../../src/domain/Settings.js"

const day = 86_400_000

/** Minimum and maximum of each lifetime in milliseconds, with the defaults for the others. */
const bounds: Readonly<Record<keyof Lifetimes, readonly [least: number, greatest: number]>> = {
  accessToken: [1_000, 30 * day],
  // A code is valid for at most ten minutes (RFC 6749 §4.1.2), and for at least the duplicate window.
  authorizationCode: [2_000, 600_000],
  refreshTokenIdle: [600_000, 180 * day],
  grant: [30 * day, Number.MAX_SAFE_INTEGER],
  session: [1_000, Number.MAX_SAFE_INTEGER],
  form: [1_000, 3_600_000],
  refreshWindow: [0, 600_000],
  codeWindow: [0, 60_000],
  key: [3_600_000, Number.MAX_SAFE_INTEGER],
  events: [3_600_000, Number.MAX_SAFE_INTEGER],
  // The user of a client that has just registered may still read the consent page.
  unusedClient: [3_600_000, Number.MAX_SAFE_INTEGER],
  abandonedClient: [3_600_000, Number.MAX_SAFE_INTEGER]
}

const names = Object.keys(bounds) as ReadonlyArray<keyof Lifetimes>

const objectionsTo = (name: keyof Lifetimes, millis: number) =>
  objections({ ...defaultLifetimes, [name]: Duration.millis(millis) })

describe("the lifetimes", () => {
  it("the default lifetimes are valid", () => {
    expect(objections(defaultLifetimes)).toEqual([])
  })

  // AUTHZ-48
  for (const name of names) {
    it(`the lifetime ${name} has bounds`, () => {
      const [least, greatest] = bounds[name]
      for (const millis of [least, greatest]) expect(objectionsTo(name, millis), `${millis}`).toEqual([])
      if (least > 0) expect(objectionsTo(name, least - 1).join()).toContain(name)
      if (greatest < Number.MAX_SAFE_INTEGER) expect(objectionsTo(name, greatest + 1).join()).toContain(name)
      expect(objectionsTo(name, Number.POSITIVE_INFINITY)).not.toEqual([])
    })
  }
})
