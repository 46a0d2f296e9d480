/** The example does what it says: its own page, under the server's own security headers. */
import { HttpLayerRouter } from "@effect/platform"
import { Layer } from "effect"
import * as MemoryStore from "latchkey/layers/MemoryStore"
import { afterAll, expect, it } from "vitest"
import { App, issuer } from "./app.js"

const { dispose, handler } = HttpLayerRouter.toWebHandler(App.pipe(Layer.provide(MemoryStore.layer)), {
  disableLogger: true
})
afterAll(dispose)

const get = (path: string) => handler(new Request(`${issuer}${path}`))

it("shows its own login page, whose form the server takes", async () => {
  const page = await get("/account")
  const html = await page.text()
  expect(html).toContain("Welcome to Notes")
  const form = /name="form" value="([^"]+)"/.exec(html)?.[1] ?? ""
  const answer = await handler(
    new Request(`${issuer}/login`, {
      method: "POST",
      body: new URLSearchParams({ form, username: "nobody", password: "a guess" }),
      headers: {
        origin: issuer,
        "sec-fetch-site": "same-origin",
        cookie: page.headers.getSetCookie()[0]?.split(";")[0] ?? ""
      }
    })
  )
  expect(answer.status).toBe(403)
  expect(await answer.text()).toContain("That did not work")
})

it("leaves the other pages as they are", async () => {
  expect(await (await get("/authorize")).text()).toContain("This request cannot be answered")
})
