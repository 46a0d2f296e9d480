import { expect, it } from "vitest"
import { timeInWords } from "../../../src/http/pages/Time.js"

it.each([
  [1, "1 second"],
  [119, "119 seconds"],
  [120, "2 minutes"],
  [121, "3 minutes"],
  [7_139, "119 minutes"],
  [7_140, "119 minutes"],
  [7_141, "2 hours"],
  [86_400, "24 hours"]
])("%i seconds are at most %s", (seconds, words) => {
  expect(timeInWords(seconds)).toBe(words)
})
