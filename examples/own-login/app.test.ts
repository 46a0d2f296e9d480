/** The example does what it says: a client sends a person here, the app logs them in, and the token is theirs. */
import { HttpLayerRouter } from "@effect/platform"
import { type Context, Effect, Layer } from "effect"
import type { Accounts } from "latchkey/Accounts"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { afterAll, expect, it } from "vitest"
import { App, issuer } from "./app.js"
import { deleteUser } from "./deleteUser.js"
import { get, location, post, signIn } from "./signIn.js"

let services: Context.Context<Accounts>
const keepServices = Layer.effectDiscard(
  Effect.map(Effect.context<Accounts>(), (context) => {
    services = context
  })
)
const { dispose, handler } = HttpLayerRouter.toWebHandler(
  Layer.provideMerge(keepServices, App).pipe(Layer.provide(MemoryStorage.layer)),
  { disableLogger: true }
)
afterAll(dispose)

const ada = { name: "ada", password: "difference engine" }

it("a client sends a user through the app's own login to a token", async () => {
  const { call, consent, login } = await signIn(handler, ada)
  expect(login.pathname).toBe("/login")
  expect(await (await get(handler, login.href)).text()).toContain("Log in")
  expect((await post(handler, login.href, { ...ada, password: "a guess" })).status).toBe(403)
  expect(consent).toContain("Ada Lovelace")
  expect(await (await call("/notes")).json()).toEqual({ subject: "user-1", notes: ["Buy milk"] })
})

it("the login page redirects only to the authorization server", async () => {
  const login = `${issuer}/login?return_to=${encodeURIComponent("https://evil.example/")}`
  expect(location(await post(handler, login, ada)).href).toBe(`${issuer}/account`)
})

it("deleting a user ends the tokens and sessions of this user only", async () => {
  const hers = await signIn(handler, ada)
  const his = await signIn(handler, { name: "bob", password: "correct horse battery" })
  expect((await hers.call("/notes")).status).toBe(200)
  await Effect.runPromise(Effect.provide(deleteUser("user-1"), services))
  expect((await hers.call("/notes")).status).toBe(401)
  expect(location(await get(handler, `${issuer}/account`, hers.cookie)).pathname).toBe("/login")
  expect((await post(handler, `${issuer}/login`, ada)).status).toBe(403)
  expect(await (await his.call("/notes")).json()).toMatchObject({ subject: "user-2" })
})
