/** The example does what it says, in process and on a storage of its own. */
import { HttpLayerRouter } from "@effect/platform"
import { Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import * as oauth from "oauth4webapi"
import { afterAll, expect, it } from "vitest"
import { App, issuer } from "./app.js"

const { dispose, handler } = HttpLayerRouter.toWebHandler(App.pipe(Layer.provide(MemoryStorage.layer)), {
  disableLogger: true
})
afterAll(dispose)

const get = (path: string) => handler(new Request(`${issuer}${path}`))

it("leaves the app's open route open", async () => {
  expect(await (await get("/")).text()).toContain("Notes are at /notes")
})

it("guards the other, and says where to get a token (RFC 9728 §5.1)", async () => {
  const response = await get("/notes")
  expect(response.status).toBe(401)
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1]
  const metadata = await (await handler(new Request(metadataUrl ?? ""))).json()
  expect(metadata).toMatchObject({ resource: `${issuer}/notes`, authorization_servers: [issuer] })
})

it("is an authorization server that a client finds (RFC 8414 §3)", async () => {
  const server = await oauth.processDiscoveryResponse(
    new URL(issuer),
    await oauth.discoveryRequest(new URL(issuer), {
      algorithm: "oauth2",
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, init) => handler(new Request(url, { method: init.method, headers: init.headers }))
    })
  )
  expect(server).toMatchObject({ token_endpoint: `${issuer}/token`, registration_endpoint: `${issuer}/register` })
})
