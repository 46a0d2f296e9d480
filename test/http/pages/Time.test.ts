import { expect, it } from "vitest"
import { timeInWords } from "../../../src/http/pages/Time.js"

it.each([
  [1, "1 second"],
  [59, "59 seconds"],
  [60, "1 minute"],
  [61, "2 minutes"],
  [240, "4 minutes"],
  [3_599, "60 minutes"],
  [3_600, "1 hour"],
  [3_601, "2 hours"],
  [86_400, "24 hours"]
])("a page shows %i seconds as %s", (seconds, words) => {
  expect(timeInWords(seconds)).toBe(words)
})
