/** The example does what it says, in process and on a storage of its own. */
import { HttpLayerRouter, HttpServer } from "@effect/platform"
import { Layer } from "effect"
import * as MemoryStorage from "latchkey/MemoryStorage"
import { afterAll, expect, it } from "vitest"
import { App, issuer } from "./app.js"

const { dispose, handler } = HttpLayerRouter.toWebHandler(
  App.pipe(Layer.provide(MemoryStorage.layer), Layer.provideMerge(HttpServer.layerContext)),
  { disableLogger: true }
)
afterAll(dispose)

const get = (path: string) => handler(new Request(`${issuer}${path}`))

it("guards the API, and says where to get a token (RFC 9728 §5.1)", async () => {
  const response = await get("/notes")
  expect(response.status).toBe(401)
  expect(response.headers.get("www-authenticate")).toContain(
    `resource_metadata="${issuer}/.well-known/oauth-protected-resource/notes"`
  )
})

it("shows in its OpenAPI document which token is needed", async () => {
  const document = (await (await get("/openapi.json")).json()) as {
    readonly components: { readonly securitySchemes: Readonly<Record<string, unknown>> }
    readonly paths: Readonly<Record<string, { readonly get: { readonly security: ReadonlyArray<unknown> } }>>
  }
  expect(Object.values(document.components.securitySchemes)).toEqual([
    expect.objectContaining({ type: "http", scheme: "bearer" })
  ])
  expect(document.paths["/notes"]?.get.security).toHaveLength(1)
})
