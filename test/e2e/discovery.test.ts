/**
 * MCP clients of other projects find the metadata of an issuer, also where it has a path and a proxy in front passes on
 * only what is below that path.
 */
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { discoverAuthorizationServerMetadata as discoverV2 } from "@modelcontextprotocol/client"
import { discoverAuthorizationServerMetadata as discoverV1 } from "@modelcontextprotocol/sdk/client/auth.js"
import { OpenIdProviderDiscoveryMetadataSchema } from "@modelcontextprotocol/sdk/shared/auth.js"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../support/Cli.js"

/** A proxy that routes by path, and answers 404 outside of it. */
const proxyTo = async (port: () => number, path: string) => {
  const proxy = createServer((incoming, outgoing) => {
    const { headers, method, url = "" } = incoming
    if (!url.startsWith(`${path}/`)) return void outgoing.writeHead(404).end()
    const passed = request({ host: "127.0.0.1", port: port(), method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
  return { close: () => proxy.close(), origin: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
}

describe.each([
  ["@modelcontextprotocol/sdk 1.x", discoverV1],
  ["@modelcontextprotocol/client 2.x", discoverV2]
])("%s", (_, discover) => {
  let server: Cli.Server
  let proxy: Awaited<ReturnType<typeof proxyTo>>
  let issuer: string
  beforeAll(async () => {
    proxy = await proxyTo(() => server.port, "/tools")
    issuer = `${proxy.origin}/tools`
    server = await Cli.startServer({ args: ["--issuer", issuer, "--database", "memory:"] })
  })
  afterAll(async () => {
    proxy.close()
    await server.stop()
  })

  it("a client finds the metadata of an issuer with a path behind a proxy that routes by path", async () => {
    const found = await discover(issuer)
    expect(found).toMatchObject({ issuer, token_endpoint: `${issuer}/token` })
    expect((await fetch(`${proxy.origin}/.well-known/oauth-authorization-server/tools`)).status).toBe(404)
  })

  it("a client accepts the OpenID document under the inserted and the appended name", async () => {
    for (const path of ["/.well-known/openid-configuration/tools", "/tools/.well-known/openid-configuration"]) {
      const document: unknown = await (await fetch(`${server.url}${path}`)).json()
      expect(OpenIdProviderDiscoveryMetadataSchema.safeParse(document).error, path).toBeUndefined()
    }
  })

  it("the appended name of RFC 8414 has the same document as the inserted one", async () => {
    const [inserted, appended] = await Promise.all(
      ["/.well-known/oauth-authorization-server/tools", "/tools/.well-known/oauth-authorization-server"].map(
        async (path) => (await fetch(`${server.url}${path}`)).text()
      )
    )
    expect(appended).toBe(inserted)
    expect(inserted).toContain(`"issuer":"${issuer}"`)
  })
})
