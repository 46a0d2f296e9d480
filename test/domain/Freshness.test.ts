import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Freshness from "../../src/domain/Freshness.js"

const bounds = { atLeast: Duration.minutes(1), atMost: Duration.hours(24), otherwise: Duration.minutes(15) }
const secondsOf = (headers: Readonly<Record<string, string>>) => Duration.toSeconds(Freshness.lifetime(headers, bounds))

describe("Freshness", () => {
  it.each([
    ["max-age", { "cache-control": "public, max-age=600" }, 600],
    ["max-age in quotes and capitals", { "cache-control": 'Public, Max-Age="600"' }, 600],
    ["max-age less the age", { "cache-control": "max-age=600", age: "240" }, 360],
    ["max-age before Expires", { "cache-control": "max-age=600", expires: "Mon, 01 Jun 2026 00:00:00 GMT" }, 600],
    ["Expires after Date", { date: "Mon, 01 Jun 2026 00:00:00 GMT", expires: "Mon, 01 Jun 2026 00:10:00 GMT" }, 600],
    ["at most a day", { "cache-control": "max-age=31536000" }, 86_400],
    ["at least a minute", { "cache-control": "max-age=5" }, 60],
    [
      "at least a minute for a response that is older than its lifetime",
      { "cache-control": "max-age=60", age: "90" },
      60
    ],
    ["at least a minute for no-store", { "cache-control": "no-store" }, 60],
    ["at least a minute for no-cache", { "cache-control": "no-cache, max-age=600" }, 60],
    ["at least a minute for an invalid Expires", { expires: "0" }, 60],
    ["the default without a header", {}, 900],
    ["the default for a directive that cannot be read", { "cache-control": "max-age=soon" }, 900]
  ] as const)("the lifetime is %s", (_, headers, seconds) => expect(secondsOf(headers)).toBe(seconds))
})
