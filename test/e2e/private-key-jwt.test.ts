/** Clients that sign, by programs of other projects: oauth4webapi, and both lines of the official MCP SDK. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { auth as authV2, PrivateKeyJwtProvider as ProviderV2 } from "@modelcontextprotocol/client"
import { auth as authV1 } from "@modelcontextprotocol/sdk/client/auth.js"
import { PrivateKeyJwtProvider as ProviderV1 } from "@modelcontextprotocol/sdk/client/auth-extensions.js"
import * as oauth from "oauth4webapi"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { algorithms, type ClientKey, makeKey } from "../support/Assertions.js"
import * as Cli from "../support/Cli.js"

vi.setConfig({ testTimeout: 120_000 })

describe("clients that sign", () => {
  let server: Cli.Server
  beforeAll(async () => {
    server = await Cli.startServer({ args: ["--demo"] })
  })
  afterAll(() => server?.stop())

  /** Creates a client with a file of its public key, as an operator does. */
  const create = async (key: ClientKey): Promise<string> => {
    const file = join(server.folder, "keys.json")
    await writeFile(file, JSON.stringify({ keys: [key.jwk] }))
    const service = ["--name", "Report", "--grant", "client_credentials", "--scope", "notes:read notes:write"]
    const { code, stderr, stdout } = await Cli.run(
      ["client", "create", ...service, "--auth-method", "private_key_jwt", "--jwks", file, "--json"],
      { server }
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const client = JSON.parse(stdout) as { readonly client_id: string }
    expect(client).not.toHaveProperty("client_secret")
    return client.client_id
  }

  it.each(algorithms)("oauth4webapi gets a token, introspects it and revokes it with %s", async (alg) => {
    const key = makeKey(alg, { alg, kid: "one" })
    const client = { client_id: await create(key) }
    const options = { [oauth.allowInsecureRequests]: true }
    const as = await oauth.processDiscoveryResponse(
      new URL(server.url),
      await oauth.discoveryRequest(new URL(server.url), { algorithm: "oauth2", ...options })
    )
    const pkcs8 = key.privateKey.export({ format: "der", type: "pkcs8" })
    const parameters = {
      ES256: { name: "ECDSA", namedCurve: "P-256" },
      EdDSA: { name: "Ed25519" },
      Ed25519: { name: "Ed25519" },
      RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
      PS256: { name: "RSA-PSS", hash: "SHA-256" }
    }[alg]
    const signing = await crypto.subtle.importKey("pkcs8", pkcs8, parameters, false, ["sign"])
    const auth = oauth.PrivateKeyJwt({ key: signing, kid: "one" })
    const resource = { resource: `${server.url}/mcp` }
    const tokens = await oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(as, client, auth, resource, options)
    )
    const introspection = await oauth.processIntrospectionResponse(
      as,
      client,
      await oauth.introspectionRequest(as, client, auth, tokens.access_token, options)
    )
    expect(introspection).toMatchObject({ active: true, client_id: client.client_id })
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, tokens.access_token, options))
  })

  /** A provider of either line, and how that line gets a token. */
  const lines = [
    ["@modelcontextprotocol/sdk 1.x", ProviderV1, authV1],
    ["@modelcontextprotocol/client 2.x", ProviderV2, authV2]
  ] as const

  it.each(lines)("PrivateKeyJwtProvider of %s discovers the server and gets tokens", async (_, Provider, auth) => {
    for (const algorithm of ["ES256", "RS256"] as const) {
      const key = makeKey(algorithm)
      const provider = new Provider({
        clientId: await create(key),
        privateKey: String(key.privateKey.export({ format: "pem", type: "pkcs8" })),
        algorithm,
        scope: "notes:read",
        expectedIssuer: server.url
      })
      const options = { serverUrl: `${server.url}/mcp` }
      expect(await auth(provider as never, options)).toBe("AUTHORIZED")
      const first = provider.tokens()
      expect(first).toMatchObject({
        access_token: expect.stringMatching(/^lk_at_/),
        scope: expect.stringContaining("notes:read")
      })
      // Each request has an assertion of its own.
      expect(await auth(provider as never, options)).toBe("AUTHORIZED")
      expect(provider.tokens()?.access_token).not.toBe(first?.access_token)
    }
  })
})
