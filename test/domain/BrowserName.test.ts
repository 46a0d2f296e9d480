/** The names of browsers, read from their `User-Agent`. */
import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import * as BrowserName from "../../src/domain/BrowserName.js"
import * as DisplayText from "../../src/domain/DisplayText.js"

const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)"
const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
const android = "Mozilla/5.0 (Linux; Android 10; K)"
const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"

describe("the name of a browser", () => {
  it.each([
    ["Chrome on Windows", `${windows} ${webkit} Chrome/138.0.0.0 Safari/537.36`],
    ["Chrome on macOS", `${mac} ${webkit} Chrome/138.0.0.0 Safari/537.36`],
    ["Chrome on Linux", `Mozilla/5.0 (X11; Linux x86_64) ${webkit} Chrome/138.0.0.0 Safari/537.36`],
    ["Chrome on ChromeOS", `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/138.0.0.0 Safari/537.36`],
    ["Chrome on Android", `${android} ${webkit} Chrome/138.0.0.0 Mobile Safari/537.36`],
    ["Chrome on Linux", `Mozilla/5.0 (X11; Linux x86_64) ${webkit} HeadlessChrome/138.0.0.0 Safari/537.36`],
    ["Chrome on iPhone", `${iphone} CriOS/138.0.7204.53 Mobile/15E148 Safari/604.1`],
    ["Edge on Windows", `${windows} ${webkit} Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0`],
    ["Edge on Windows", `${windows} ${webkit} Chrome/46.0.2486.0 Safari/537.36 Edge/13.10586`],
    ["Edge on Android", `${android} ${webkit} Chrome/138.0.0.0 Mobile Safari/537.36 EdgA/138.0.0.0`],
    ["Edge on iPhone", `${iphone} Version/18.0 EdgiOS/138.0.3351.55 Mobile/15E148 Safari/604.1`],
    ["Opera on Windows", `${windows} ${webkit} Chrome/138.0.0.0 Safari/537.36 OPR/120.0.0.0`],
    ["Samsung Internet on Android", `${android} ${webkit} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`],
    ["DuckDuckGo on macOS", `${mac} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15 Ddg/18.5`],
    ["Firefox on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"],
    ["Firefox on macOS", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:141.0) Gecko/20100101 Firefox/141.0"],
    ["Firefox on Linux", "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"],
    ["Firefox on Android", "Mozilla/5.0 (Android 15; Mobile; rv:141.0) Gecko/141.0 Firefox/141.0"],
    ["Firefox on iPhone", `${iphone} FxiOS/141.0 Mobile/15E148 Safari/605.1.15`],
    ["Safari on macOS", `${mac} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15`],
    ["Safari on iPhone", `${iphone} Version/18.5 Mobile/15E148 Safari/604.1`],
    [
      "Safari on iPad",
      "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1"
    ],
    ["curl", "curl/8.14.1"],
    ["python-requests", "python-requests/2.32.4"],
    ["Dalvik on Android", "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8)"],
    ["Unknown browser on iPhone", `${iphone} Mobile/15E148`]
  ])("the name %s is read from its User-Agent", (name, userAgent) => {
    expect(BrowserName.read(userAgent)).toEqual(Option.some(name))
  })

  it.each([
    ["is missing", undefined],
    ["is empty", ""],
    ["says nothing", "Mozilla/5.0"],
    ["is markup", "<script>alert(1)</script>"],
    ["is markup with a slash", "<img/src=x onerror=alert(1)>"],
    ["is long", "x".repeat(10_000)],
    ["begins with a direction control", "\u202ecurl/8"],
    ["is not ASCII", "\u043e\u0440\u0435ra/1"],
    ["has a dot in its product", "bank.example/1"]
  ])("the browser is unknown if the header %s", (_, userAgent) => {
    expect(BrowserName.read(userAgent)).toEqual(Option.none())
  })

  it("a browser name is a short text that pages can show, whatever the header contains", () => {
    const known = fc.constantFrom(
      "Firefox/1",
      "Version/1 Safari/1",
      "Windows",
      "iPhone",
      "curl/8",
      "<b>",
      "\u202e",
      " "
    )
    const text = fc.array(fc.oneof(known, fc.string({ unit: "binary", maxLength: 8 })), { maxLength: 12 })
    fc.assert(
      fc.property(text, (parts) => {
        const name = BrowserName.read(parts.join(""))
        if (Option.isNone(name)) return
        expect(name.value).toMatch(/^[A-Za-z][A-Za-z0-9 -]{0,63}$/)
        expect(DisplayText.clean(name.value)).toBe(name.value)
      }),
      { numRuns: 2000 }
    )
  })

  it("a browser name is read only from the first 512 characters", () => {
    const firefox = "Firefox/141.0"
    expect(BrowserName.read(`${" ".repeat(512)}${firefox}`)).toEqual(Option.none())
    expect(BrowserName.read(`${" ".repeat(499)}${firefox}`)).toEqual(Option.some("Firefox"))
  })
})
