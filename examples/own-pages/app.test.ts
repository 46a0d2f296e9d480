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

it("says on its login page that an app registered itself, and shortens its name", async () => {
  const redirect_uri = "https://client.example/callback"
  const registered = await handler(
    new Request(`${issuer}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        client_name: "Notes ".repeat(30),
        redirect_uris: [redirect_uri],
        token_endpoint_auth_method: "none"
      })
    })
  )
  const { client_id } = (await registered.json()) as { readonly client_id: string }
  const request = new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri,
    scope: "notes:read",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256"
  })
  const html = await (await get(`/authorize?${request}`)).text()
  expect(html).toContain("It registered itself: nobody has checked its name.")
  expect(html).toMatch(/<bdi>(Notes ){7}Notes…<\/bdi>/)
})

it("leaves the other pages as they are", async () => {
  expect(await (await get("/authorize")).text()).toContain("This request cannot be answered")
})
