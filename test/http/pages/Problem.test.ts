/** The words in which pages say how long to wait. */
import { expect, it } from "@effect/vitest"
import * as Problem from "../../../src/http/pages/Problem.js"

it.each([
  [1, "1 second"],
  [59, "59 seconds"],
  [60, "1 minute"],
  [61, "2 minutes"],
  [240, "4 minutes"],
  [3599, "60 minutes"],
  [3600, "1 hour"],
  [21_600, "6 hours"]
])("%i seconds are told as %s", (seconds, words) => {
  expect(Problem.throttled(seconds)).toBe(`Too many attempts. Try again in ${words}.`)
})
