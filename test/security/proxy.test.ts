/** The proxy of the controls. Without a mutation it changes nothing, so a control sees only its mutation. */
import { afterAll, beforeAll, expect, it } from "vitest"
import { outcome } from "../flow/support/Server.js"
import { cookiesSet } from "./support/Login.js"
import { start, type Target } from "./support/Target.js"

let target: Target
beforeAll(async () => {
  target = await start({ mutation: {} })
})
afterAll(() => target?.close())

it("a proxy without a mutation lets a whole authorization pass", async () => {
  const client = await target.register()
  const tokens = await target.tokens(client)
  expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe("200")
  expect((await target.call(tokens.access_token)).status).toBe(200)
  expect(await outcome(target.token(client, { grant_type: "password" }))).toBe("400 unsupported_grant_type")
})

it("a proxy without a mutation keeps status, headers and body as the server wrote them", async () => {
  const path = "/.well-known/oauth-authorization-server"
  const document = await target.http({ path })
  expect(document.json().issuer).toBe(target.issuer)
  const etag = document.header("etag") ?? ""
  const held = await target.http({ path, headers: { "If-None-Match": etag } })
  expect([held.status, held.body, held.header("etag")]).toEqual([304, "", etag])
  const head = await target.http({ method: "HEAD", path })
  expect([head.status, head.body, head.header("content-length")]).toEqual([200, "", String(document.body.length)])
  const preflight = await target.http({ method: "OPTIONS", path: "/token" })
  expect([preflight.status, preflight.header("allow")]).toEqual([204, "POST, OPTIONS"])
  const login = await target.http({ path: "/account" })
  expect(login.status).toBe(200)
  expect(cookiesSet(login).size).toBe(1)
})
