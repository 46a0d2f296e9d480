/** The consent page in a real browser, on a phone of 360 by 640 pixels, without scripts, as the policy has it. */
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { type ConsentPage, consentPage } from "../../src/http/pages/ConsentPage.js"
import * as Chromium from "./support/Chromium.js"

vi.setConfig({ testTimeout: 60_000 })

const permissions = ["Read your notes", "Write notes for you", "Delete notes", "Share notes with other people"]

const scopesOf = (count: number, checked = true) =>
  permissions.slice(0, count).map((description, index) => ({
    token: `notes:${index}`,
    value: `notes:${index}`,
    description,
    checked,
    // Some marked as new, which takes the most room.
    isNew: index > 0
  }))

const resource = { name: "Team notes", uri: "https://notes.example.com/mcp" }

const ordinary: ConsentPage = {
  clientName: "Notes Desktop",
  clientOrigin: "Dynamic",
  clientUri: "https://client.example/about",
  target: { _tag: "Host", host: "client.example" },
  username: "ada",
  switchUrl: "/authorize",
  resources: [{ ...resource, scopes: scopesOf(4) }],
  lasts: "Access ends by itself after 180 days at the latest.",
  formAction: "/consent",
  form: "sealed"
}

const requests: ReadonlyArray<readonly [title: string, page: ConsentPage]> = [
  ["one permission", { ...ordinary, resources: [{ ...resource, scopes: scopesOf(1) }] }],
  ["four permissions", ordinary],
  ["nothing ticked", { ...ordinary, resources: [{ ...resource, scopes: scopesOf(4, false) }] }],
  ["a problem", { ...ordinary, problem: "NothingTicked" }],
  ["a program on the device", { ...ordinary, target: { _tag: "Loopback", host: "127.0.0.1:51234" } }],
  ["an app on the device", { ...ordinary, target: { _tag: "App", scheme: "com.example.notes.desktop" } }],
  ["the longest names", { ...ordinary, clientName: "W".repeat(200), username: "w".repeat(64) }],
  ["several resources", { ...ordinary, resources: [1, 2, 3, 4].map(() => ({ ...resource, scopes: scopesOf(4) })) }]
]

describe.runIf(Chromium.executablePath !== undefined)("the consent page on a phone", () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await Chromium.launch()
  })
  afterAll(() => browser?.close())

  const withPage = async (data: ConsentPage, walk: (page: Page) => Promise<void>, height = 640) => {
    const page = await browser.newPage({ viewport: { width: 360, height }, javaScriptEnabled: false })
    try {
      await page.setContent(consentPage(data))
      await walk(page)
    } finally {
      await page.close()
    }
  }

  const boxOf = async (page: Page, selector: string) => {
    const box = await page.locator(selector).boundingBox()
    if (box === null) throw new Error(`${selector} is not shown`)
    return box
  }

  it.each(requests)("both buttons have one size and are visible without scrolling, for %s", (_, data) =>
    withPage(data, async (page) => {
      const [deny, allow] = [await boxOf(page, "button[value=deny]"), await boxOf(page, "button[value=allow]")]
      for (const { height, width, x, y } of [deny, allow]) {
        expect([x >= 0, x + width <= 360, y >= 0, y + height <= 640]).toEqual([true, true, true, true])
        expect(height).toBeGreaterThanOrEqual(44)
      }
      expect([deny.width, deny.height, deny.y]).toEqual([allow.width, allow.height, allow.y])
      expect(deny.x).toBeLessThan(allow.x)
      // The person sees who asks and where the answer leads, too.
      const target = await boxOf(page, ".target")
      expect(target.y + target.height).toBeLessThan(deny.y)
    })
  )

  it("Allow and Deny look different while a scope is ticked", () =>
    withPage(ordinary, async (page) => {
      const background = (decision: string) =>
        page.evaluate(`getComputedStyle(document.querySelector("button[value=${decision}]")).backgroundColor`)
      const hint = page.locator("[role=status]")
      const filled = await background("allow")
      expect(filled).not.toBe(await background("deny"))
      expect(await hint.isVisible()).toBe(false)

      const boxes = await page.locator("input[name=scope]").all()
      for (const box of boxes) await box.uncheck()
      expect(await background("allow")).not.toBe(filled)
      expect(await hint.isVisible()).toBe(true)
      await boxes[2]!.check()
      expect(await background("allow")).toBe(filled)
      expect(await hint.isVisible()).toBe(false)
    }))

  it("a request without scopes shows no checkbox", () =>
    withPage({ ...ordinary, resources: [{ ...resource, scopes: [] }] }, async (page) => {
      expect(await page.locator("[role=status]").isVisible()).toBe(false)
    }))

  it("the buttons hide no focused element", () =>
    withPage({ ...ordinary, resources: [1, 2, 3].map(() => ({ ...resource, scopes: scopesOf(4) })) }, async (page) => {
      const stops = await page.locator("a[href], input[type=checkbox], summary").count()
      for (let stop = 0; stop < stops; stop++) {
        await page.keyboard.press("Tab")
        const focused = await boxOf(page, ":focus")
        expect(focused.y + focused.height).toBeLessThanOrEqual((await boxOf(page, ".decision")).y)
      }
    }))

  it("the buttons are at the end of the page if the screen is too short", () =>
    withPage(
      ordinary,
      async (page) => {
        const lasts = await boxOf(page, ".ask > p:last-of-type")
        expect((await boxOf(page, "button[value=deny]")).y).toBeGreaterThan(lasts.y)
      },
      320
    ))

  it("the scope tokens and the address of the resource are folded until the user opens them", () =>
    withPage(ordinary, async (page) => {
      const shown = () => page.locator("details code").first().isVisible()
      expect(await shown()).toBe(false)
      await page.click("summary")
      expect(await shown()).toBe(true)
    }))
})
