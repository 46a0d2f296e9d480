/**
 * Clients of other projects, identified by their metadata document at an https host: both lines of the official MCP SDK and
 * oauth4webapi, from discovery to a refresh.
 */
import type { webcrypto } from "node:crypto"
import * as oauth from "oauth4webapi"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { makeKey } from "../support/Assertions.js"
import * as Cli from "../support/Cli.js"
import * as Callback from "./support/Callback.js"
import * as Chromium from "./support/Chromium.js"
import * as DocumentHost from "./support/DocumentHost.js"
import * as McpClient from "./support/McpClient.js"
import { McpProvider } from "./support/McpProvider.js"
import { Person, password, username } from "./support/Person.js"
import * as Sdk from "./support/Sdk.js"

vi.setConfig({ testTimeout: 120_000 })

const information = { grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] }

describe.runIf(Chromium.executablePath !== undefined)("a client with a metadata document", () => {
  let browser: Browser
  let callback: Callback.Callback
  let host: DocumentHost.DocumentHost
  let server: Cli.Server
  let who: Person

  beforeAll(async () => {
    ;[browser, callback, host] = await Promise.all([Chromium.launch(), Callback.open(), DocumentHost.open()])
    server = await Cli.startServer({
      args: ["--demo"],
      // Each client refreshes during its test.
      env: { ...host.env, LATCHKEY_ACCESS_TOKEN_TTL: "2 seconds" }
    })
    await Cli.run(["user", "create", username, "--password-stdin"], { server, stdin: password })
    who = await Person.at(browser)
  })
  afterAll(() => Promise.all([browser?.close(), server?.stop(), callback?.close(), host?.close()]))

  const expiry = () => new Promise((resolve) => setTimeout(resolve, 2_100))

  /** Publishes the document of an SDK's client. */
  const party = (path: string): McpClient.Party => {
    const { clientMetadata } = new McpProvider(callback.redirectUri)
    return { callback, provider: new McpProvider(callback.redirectUri, host.publishClient(path, clientMetadata)) }
  }

  it.each([Sdk.v1, Sdk.v2])("$name connects by the URL of its document, and refreshes", async (sdk) => {
    const client = party(`/sdk/${sdk === Sdk.v1 ? 1 : 2}/client.json`)
    const connection = await McpClient.connect(sdk, `${server.url}/mcp`, client, who)
    expect(client.provider.clientInformation().client_id).toBe(client.provider.clientMetadataUrl)
    const before = client.provider.tokens()
    await expiry()
    expect(await connection.call("whoami")).toContain("An MCP client")
    expect(client.provider.tokens().refresh_token).not.toBe(before.refresh_token)
    expect(client.provider.sentTo).toBeUndefined()
    await connection.close()
  })

  it("@modelcontextprotocol/client 2.x requests more scope when a tool needs it", async () => {
    const mcp = `${server.url}/mcp`
    const client = party("/sdk/step-up/client.json")
    const connection = await McpClient.connect(Sdk.v2, mcp, client, who, ["notes:read"])
    const add = () => connection.call("add_note", { text: "Buy milk" })
    await McpClient.withPerson(Sdk.v2, mcp, client, who, add)
    expect(await connection.call("whoami")).toContain("notes:write")
    await connection.close()
  })

  const options = { [oauth.allowInsecureRequests]: true }

  /** Takes a client of oauth4webapi from discovery to a refresh. */
  const authorize = async (client: oauth.Client, auth: oauth.ClientAuth) => {
    const as = await oauth.processDiscoveryResponse(
      new URL(server.url),
      await oauth.discoveryRequest(new URL(server.url), { algorithm: "oauth2", ...options })
    )
    expect(as.client_id_metadata_document_supported).toBe(true)
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(as.authorization_endpoint ?? "")
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: client.client_id,
      redirect_uri: callback.redirectUri,
      scope: "notes:read",
      resource: `${server.url}/mcp`,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256"
    }).toString()
    await who.authorize(url)
    const parameters = oauth.validateAuthResponse(as, client, await callback.next(), state)
    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, callback.redirectUri, verifier, options)
    )
    const refresh = async (by: oauth.ClientAuth, refreshToken = tokens.refresh_token ?? "") =>
      oauth.processRefreshTokenResponse(
        as,
        client,
        await oauth.refreshTokenGrantRequest(as, client, by, refreshToken, options)
      )
    return { tokens, refresh }
  }

  it("oauth4webapi redeems a code and refreshes as a public client", async () => {
    const client_id = host.publishClient("/public/client.json", {
      ...information,
      client_name: "Public client",
      redirect_uris: [callback.redirectUri],
      token_endpoint_auth_method: "none"
    })
    const { refresh, tokens } = await authorize({ client_id }, oauth.None())
    expect((await refresh(oauth.None())).refresh_token).not.toBe(tokens.refresh_token)
  })

  it("oauth4webapi redeems a code and refreshes by private_key_jwt, and nothing without its signature", async () => {
    const key = makeKey("RS256", { alg: "RS256", kid: "one", use: "sig" })
    const client_id = host.publishClient("/signing/client.json", {
      ...information,
      client_name: "Signing client",
      redirect_uris: [callback.redirectUri],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "RS256",
      jwks_uri: host.publish("/signing/jwks.json", { keys: [key.jwk] })
    })
    const signing = await crypto.subtle.importKey(
      "jwk",
      key.privateKey.export({ format: "jwk" }) as webcrypto.JsonWebKey,
      { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
      false,
      ["sign"]
    )
    const auth = oauth.PrivateKeyJwt({ key: signing, kid: "one" })
    const { refresh, tokens } = await authorize({ client_id }, auth)
    await expect(refresh(oauth.None())).rejects.toMatchObject({ status: 401 })
    expect((await refresh(auth)).refresh_token).not.toBe(tokens.refresh_token)
  })
})
